//! The measuring parts of the tool, for the benchmarks and for `clearpage-replay`.
//!
//! [`measure`] runs [`contender`]s round after round on a [`crew`] of threads; the crew takes
//! each sample in [`memory`] of its own. The other modules detect the machine, pin threads,
//! and read and write what a user sees.

pub mod contender;
pub mod crew;
pub mod interrupt;
pub mod machine;
pub mod manual;
pub mod measure;
pub mod memory;
pub mod output;
pub mod pin;
pub mod program;
pub mod progress;
pub mod room;
pub mod rounds;
pub(crate) mod sample;
pub mod table;
pub mod terminal;
pub mod units;

#[doc(no_inline)]
pub use crate::judge::Judgement;
#[doc(no_inline)]
pub use crate::report::{Backing, Place, Report, SCHEMA, Temperature, json};
