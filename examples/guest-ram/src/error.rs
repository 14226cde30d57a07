//! The reasons that a frame of guest memory cannot be mapped.

use std::error::Error;
use std::fmt;

use vm_memory::{GuestAddress, GuestMemoryError};

/// The reason that a frame of guest memory could not be mapped.
#[derive(Debug)]
pub enum GuestError {
    /// No region contains the first byte. It is in a hole, past the last region, or a region starts
    /// inside the frame.
    NoRegion {
        /// The address of the first byte.
        address: GuestAddress,
    },
    /// The region of the first byte ends inside the frame, even if another region follows.
    Cut {
        /// The address of the first byte.
        address: GuestAddress,
        /// The number of bytes of the frame in the region.
        held: u64,
    },
    /// The host address is not page-aligned: the region starts inside a frame, or its mapping in the
    /// host inside a page.
    Misaligned {
        /// The address of the first byte.
        address: GuestAddress,
        /// The address in the host.
        host: usize,
    },
    /// The region returned no pointer to its memory.
    NoPointer {
        /// The address of the first byte.
        address: GuestAddress,
        /// The error of vm-memory.
        source: GuestMemoryError,
    },
}

impl fmt::Display for GuestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRegion { address } => {
                write!(f, "no region contains guest address {:#x}", address.0)
            }
            Self::Cut { address, held } => write!(
                f,
                "the region of guest address {:#x} ends {held} bytes after it, inside the frame",
                address.0
            ),
            Self::Misaligned { address, host } => write!(
                f,
                "guest address {:#x} is at host address {host:#x}, which is not page-aligned",
                address.0
            ),
            Self::NoPointer { address, source } => {
                write!(f, "no pointer to guest address {:#x}: {source}", address.0)
            }
        }
    }
}

impl Error for GuestError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NoPointer { source, .. } => Some(source),
            _ => None,
        }
    }
}
