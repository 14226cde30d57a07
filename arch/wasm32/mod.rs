//! wasm32: the fill of a whole range, which the runtime implements.

#[cfg(target_feature = "bulk-memory")]
mod memory_fill;

pub(crate) use super::generic::*;

use crate::primitive::named;
use crate::tuning::Row;

// A module with an instruction that its runtime lacks does not load. So only the build knows what
// there is, and no row is detected.
super::rows! {
    #[cfg(target_feature = "bulk-memory")]
    memory_fill::PRIMITIVE,
    GENERIC,
}

/// Serves every length and intent: a runtime calls the memset of its own CPU. Stores of a module
/// cannot bypass the cache.
pub(crate) const MECHANISMS: &[&[Row]] = &[&[named("memory_fill")]];
