//! What needs an operating system, all of it behind the feature `std`. Nothing outside this folder
//! depends on it: who reads a kernel's part of the crate can skip it.

#[cfg(any(target_os = "linux", target_os = "android"))]
pub mod file_frames;
pub mod measure;
pub mod parallel;
pub mod pool;
pub mod prefault;
pub mod reset;

/// A huge page of most machines. Cuts at its multiples split none; where huge pages are larger it
/// is a part of one, which costs time and nothing else.
const HUGE: usize = 2 << 20;
