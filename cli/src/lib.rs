//! The parts of the `clearpage` tool, so that its benchmarks can measure with them too.
//!
//! From the top: a command (`info`, `list`, `bench`) -> what to measure (`grid`, `contender`)
//! -> `measure`, round after round -> `crew`, on one thread or several -> `sample`, in `memory`
//! -> `report`, which `table` prints, serde writes and `render` draws. Beside that `load` reads
//! reports, `compare` compares two, `judge` compares the default tuning of a recorded CPU (`facts`)
//! with its figures, `tune` has the library measure one, and `replay` makes again what the change
//! that this began with was published with. A report may be a stranger's: `input` and `limits` bound
//! what is read, `terminal` escapes what is printed, `output` never writes through a link.

pub mod args;
pub mod bench;
pub mod c_library;
pub mod cgroup;
pub mod compare;
pub mod contender;
pub mod cpuinfo;
pub mod crew;
pub mod facts;
pub mod files;
pub mod generate;
pub mod grid;
pub mod info;
pub mod input;
pub mod interrupt;
pub mod judge;
pub mod limits;
pub mod list;
pub mod load;
pub mod machine;
pub mod measure;
pub mod memory;
pub mod microarchitecture;
pub mod noise;
pub mod output;
pub mod pin;
pub mod render;
pub mod replay;
pub mod report;
pub mod rounds;
pub mod sample;
pub mod table;
pub mod terminal;
pub mod tune;
pub mod units;

use std::fmt;

/// Something the user can put right: the message says what was wrong and what is allowed.
#[derive(Debug)]
pub struct UserError(pub String);

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UserError {}
