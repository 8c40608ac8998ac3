//! What `driftseal log init` makes for whoever acts: a token, in a file of its own, and its credential.

use std::path::{Path, PathBuf};

use ::access::{Credential, Proof, Quota, Role, Scope, Tenants};
use event::Timestamp;
use service::access::{AccessError, CREDENTIALS_FILE, change, make_token};
use service::files::write_secret;

/// File of a client's token, in the directory of the keys.
pub const TOKEN_FILE: &str = "gateway.token";

/// Makes the token that commands show to the gateway, and its credential, which may do everything; in a
/// directory of keys. Both files are for the owner only. Returns the file of the token.
///
/// # Errors
///
/// `Random`; `File`, also if the file of the token exists; `Content`.
pub fn make_first(directory: &Path, name: &str, now: Timestamp) -> Result<PathBuf, AccessError> {
    let token = make_token()?;
    let client = directory.join(TOKEN_FILE);
    let credential = Credential {
        name: name.to_owned(),
        role: Role::Act,
        proof: Proof::Token(token.digest()),
        scope: Scope { tenants: Tenants::Any, ..Scope::everything() },
        created_at: now,
        expires_at: None,
        quota: Quota::default(),
    };
    change(&directory.join(CREDENTIALS_FILE), |all| {
        // First the token: one that nobody knows opens nothing, and is in nobody's way.
        write_secret(&client, &format!("{}\n", token.reveal()))
            .map_err(|error| AccessError::File { path: client.clone(), error })?;
        all.put(credential);
        Ok(client)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::access::{Principal, Refusal};
    use service::access::read;
    use service::files::read_secret;

    const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

    #[test]
    fn a_token_is_known_by_its_digest_which_is_all_that_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let client = make_first(directory.path(), "default", NOW).unwrap();
        let token = read_secret(&client).unwrap();
        let (kept, credentials) = read(&directory.path().join(CREDENTIALS_FILE)).unwrap();
        assert!(token.trim().len() > 64 && !kept.contains(token.trim()), "{kept}");
        let name_of = |token: &str| {
            let found = credentials.by_token(token, Role::Act, NOW);
            found.map(|principal| principal.name().map(str::to_owned))
        };
        assert_eq!(name_of(token.trim()), Ok(Some("default".to_owned())));
        for other in ["", "driftseal_", &token, &token.trim().to_uppercase(), kept.trim()] {
            assert_eq!(name_of(other), Err(Refusal::Unknown), "{other}");
        }
        let _: Principal = credentials.by_token(token.trim(), Role::Act, NOW).unwrap();
        assert!(make_first(directory.path(), "again", NOW).is_err(), "a token is never replaced");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_of_credentials_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        make_first(directory.path(), "default", NOW).unwrap();
        let server = directory.path().join(CREDENTIALS_FILE);
        std::fs::set_permissions(&server, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = read(&server).unwrap_err().to_string();
        assert!(error.contains("other users may read it"), "{error}");
    }
}
