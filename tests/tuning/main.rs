//! Tunings: their text, and their installation.

#[cfg(feature = "std")]
mod install;
mod text;
