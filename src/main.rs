//! The program `journal`. Everything it does is in the library.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    zoho_journal::cli::main().into()
}
