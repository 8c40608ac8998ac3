//! See the library.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match verify::run(&verify::Arguments::parse()) {
        Ok(answer) => match std::io::stdout().write_all(answer.text.as_bytes()) {
            Ok(()) => ExitCode::from(answer.code),
            Err(_) => ExitCode::FAILURE,
        },
        Err(message) => {
            // Nobody is left to tell if standard error is closed too.
            let _closed = writeln!(std::io::stderr(), "{message}");
            ExitCode::from(2)
        }
    }
}
