//! s390x: XC blocks, and MVCLE for memory that should bypass the caches.

mod ecag;
mod tuning;

mod mvcle;
mod xc;

pub(crate) use super::generic::*;
pub(crate) use ecag::caches;
pub(crate) use tuning::{MECHANISMS, tuning};

super::rows! {xc::PRIMITIVE, mvcle::PRIMITIVE, GENERIC}
