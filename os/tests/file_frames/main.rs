//! Frames of files: exactly those asked for are zero afterwards, whatever way was taken, and
//! whatever went wrong on it.
#![cfg(all(any(target_os = "linux", target_os = "android")))]

mod errors;
mod far;
mod files;
mod huge;
mod leaks;
mod model;
mod ranges;
mod threads;
