//! Why a frame is none of the guest's.

use std::error::Error;
use std::fmt;

use vm_memory::{GuestAddress, GuestMemoryError};

/// Why a frame of guest memory could not be mapped.
#[derive(Debug)]
pub enum GuestError {
    /// Its first byte is in no region: it lies in a hole, behind the last region, or where a region
    /// starts within it.
    NoRegion {
        /// Of that byte.
        address: GuestAddress,
    },
    /// The region that holds its first byte ends within it, whether or not another follows.
    Cut {
        /// Of that byte.
        address: GuestAddress,
        /// How many bytes of the frame the region holds.
        held: u64,
    },
    /// The host has it at an address that is none of a page: the region starts within a frame, or
    /// its host mapping does within a page.
    Misaligned {
        /// Of its first byte.
        address: GuestAddress,
        /// That of the host.
        host: usize,
    },
    /// Its region gives no pointer to its memory.
    NoPointer {
        /// Of its first byte.
        address: GuestAddress,
        /// What vm-memory says.
        source: GuestMemoryError,
    },
}

impl fmt::Display for GuestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRegion { address } => {
                write!(f, "no region holds guest address {:#x}", address.0)
            }
            Self::Cut { address, held } => write!(
                f,
                "the region that holds guest address {:#x} ends {held} bytes behind it, within the \
                 frame",
                address.0
            ),
            Self::Misaligned { address, host } => write!(
                f,
                "guest address {:#x} is at {host:#x} of the host, which is not page-aligned",
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
