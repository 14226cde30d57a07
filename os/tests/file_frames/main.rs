//! Exactly the requested frames of a file become zero, by each method; an error counts those that did.
#![cfg(any(target_os = "linux", target_os = "android"))]

mod errors;
mod far;
mod files;
mod huge;
mod leaks;
mod model;
mod ranges;
mod threads;
