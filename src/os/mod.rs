//! What needs an operating system. Nothing outside this folder depends on it.

mod measure;
