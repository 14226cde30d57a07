//! What every allocator here is checked by: a user who knows what each byte should be, what it left
//! behind, and wrong allocators that this has to find.

mod intents;
mod random;
mod user;
mod wrong;

use clearpage::hooks::InitPolicy;

pub use intents::{by_intent, zero_by_intent};
pub use random::Random;
pub use user::{Faults, Ink, User};
pub use wrong::{Poisoning, WrongMap, poison};

/// All of them.
pub const POLICIES: [InitPolicy; 4] =
    [InitPolicy::OFF, InitPolicy::ON_ALLOC, InitPolicy::ON_FREE, InitPolicy::BOTH];

/// Whether all bytes are `byte`.
pub fn is_all(byte: u8, bytes: &[u8]) -> bool {
    bytes.chunks(64).all(|chunk| chunk.iter().fold(0, |bad, b| bad | (b ^ byte)) == 0)
}
