//! Who may speak: tokens, what each may be used for, and how much.
//!
//! A *credential* is an entry of the file that a server keeps ([`Credentials`]): a name, the digest of a token,
//! a role, a [`Scope`], times and [`Quota`]s. Whoever shows the token becomes a [`Principal`].
//!
//! # Promise
//!
//! - Values in, values out: no I/O, no clock, no randomness. The time is an argument.
//! - A token is 32 random bytes, so its plain SHA-256 cannot be turned back by guessing, and needs no salt.
//!   The digest is all that is kept. Nothing here shows a token: not `Debug`, not an error.
//! - Finding a credential takes as long for every token, known or not: all digests are compared, each in
//!   constant time.
//! - What a scope does not name is refused. Names of agents, tenants and families are compared byte by byte:
//!   case, accents and white space count.
//! - An entry that is wrong in any way makes the whole file wrong: nobody has a right that was not
//!   meant because a line was misread.
//!
//! # What it does not do
//!
//! Quotas are counted in the memory of one process, from its start.

mod claims;
mod credential;
mod file;
mod principal;
mod quota;
mod scope;
mod token;

pub use credential::{Credential, NAME_BYTES_MAX, Proof, Role, is_name};
pub use file::{CREDENTIALS_MAX, Credentials, FileError};
pub use principal::{Authn, Principal, Refusal};
pub use quota::{Exhausted, Meter, Quota};
pub use scope::{Forbidden, Pattern, Scope, Tenants};
pub use token::{Digest, Token, bearer};
