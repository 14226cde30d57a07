//! Contains all modules that need an operating system, under the feature `std`. A build without
//! `std` uses none of them, so readers of the kernel's part can skip this folder.

#[cfg(any(target_os = "linux", target_os = "android"))]
pub mod file_frames;
pub mod measure;
pub mod parallel;
pub mod pool;
pub mod prefault;
pub mod reset;

/// Size of a huge page on most machines. A cut at a multiple of it splits no huge page. If huge
/// pages are larger, a cut may split one, which costs only time.
const HUGE: usize = 2 << 20;
