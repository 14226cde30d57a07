//! The `clearpage` tool: see `clearpage --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    clearpage_cli::harness::program::main(clearpage_cli::run)
}
