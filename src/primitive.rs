//! What a primitive is: one way to zero memory, and what it takes to use it.

use core::fmt;

use crate::arch;
use crate::cpu::Feature;
use crate::door::{Clear, zero};

/// How a primitive's stores meet the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Store {
    /// Lines end up in the cache: right where the memory is used soon.
    Temporal,
    /// Lines go past the cache. Where that makes stores weakly ordered the leaf fences them itself.
    NonTemporal,
}

/// Which registers a primitive writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Registers {
    /// General registers only: legal in kernels and interrupt handlers.
    General,
    /// Vector registers: compiled in only where the target has them.
    Vector,
}

/// Why this CPU, or this build, cannot run a primitive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable {
    /// What was looked at and what it said, e.g. a CPUID bit that is 0.
    pub reason: &'static str,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason)
    }
}

impl core::error::Error for Unavailable {}

/// One way to zero memory, as a row of [`primitives`]. Compiled in does not mean usable:
/// [`Primitive::available`] says whether this CPU has it.
pub struct Primitive {
    pub(crate) name: &'static str,
    pub(crate) store: Store,
    pub(crate) registers: Registers,
    /// The feature without which it is unavailable, if it needs one.
    pub(crate) needs: Option<Feature>,
    /// Asked, not stored: some CPUs tell it only at run time.
    pub(crate) block: fn() -> usize,
    pub(crate) availability: fn() -> Result<(), Unavailable>,
    pub(crate) leaf: Leaf,
}

/// The code of a primitive. Every address and length it is given is a non-zero multiple of its
/// block. A range may cross from one allocation into its neighbour: a leaf goes by addresses, whose
/// provenance is exposed.
#[derive(Clone, Copy)]
pub(crate) enum Leaf {
    /// Clears one range: address, bytes. Its stores are ordered as any others.
    Ordered(unsafe fn(*mut u8, usize)),
    /// Clears a list of ranges of one length: list, entries (not 0), bytes a range. Its stores are
    /// weakly ordered, so it walks the list itself and fences once at the end, in the same asm
    /// block: no caller can see, or forget to fence, a pending store.
    #[allow(dead_code, reason = "not every ISA has weakly ordered stores")]
    Weak(WeakLeaf),
    /// As `Ordered`, and sets the tags of the memory to that of the pointer.
    #[allow(dead_code, reason = "not every ISA has memory tags")]
    Tagging(unsafe fn(*mut u8, usize)),
}

/// List, entries, bytes a range.
pub(crate) type WeakLeaf = unsafe fn(*const *mut u8, usize, usize);

impl Primitive {
    /// The name, which is also its file's: `stosb`, `clzero`, `dc_zva`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Whether it goes through the cache or past it.
    pub const fn store(&self) -> Store {
        self.store
    }

    /// The registers it needs.
    pub const fn registers(&self) -> Registers {
        self.registers
    }

    /// The feature bit without which no CPU has it; `None` if every CPU of this ISA does.
    pub const fn needs(&self) -> Option<Feature> {
        self.needs
    }

    /// Whether it also sets the tags of the memory, to that of the pointer. Such a primitive cannot
    /// be forced and no plan may name it: pointers with another tag would fault after a clear.
    pub const fn sets_tags(&self) -> bool {
        matches!(self.leaf, Leaf::Tagging(_))
    }

    /// Bytes it clears at a time, a power of two no larger than a page. What does not fill a
    /// block at either end of a range is cleared with ordinary stores.
    pub fn block(&self) -> usize {
        (self.block)()
    }

    /// Asks the CPU. The answer does not change while the program runs: keep it.
    pub fn available(&'static self) -> Result<Available, Unavailable> {
        (self.availability)().map(|()| Available(self))
    }
}

impl fmt::Debug for Primitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Primitive({})", self.name)
    }
}

impl PartialEq for Primitive {
    /// Names are unique in the table.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Primitive {}

/// A primitive that this CPU has: to hold one is the proof, so calling it is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Available(&'static Primitive);

impl Available {
    /// # Safety
    /// This CPU has the primitive.
    pub(crate) const unsafe fn new_unchecked(primitive: &'static Primitive) -> Self {
        Self(primitive)
    }

    /// The code of a primitive that takes a list and fences once behind it.
    pub(crate) const fn weak(self) -> Option<WeakLeaf> {
        match self.0.leaf {
            Leaf::Weak(leaf) => Some(leaf),
            Leaf::Ordered(_) | Leaf::Tagging(_) => None,
        }
    }

    /// The primitive's name.
    pub const fn name(self) -> &'static str {
        self.0.name
    }

    /// The primitive itself.
    pub const fn primitive(self) -> &'static Primitive {
        self.0
    }

    /// Zeroes whole pages.
    pub fn clear_pages(self, pages: &mut [crate::Page]) {
        // SAFETY: the slice is valid for writes, aligned to a page and a multiple of one.
        unsafe { zero(Clear::Blocks(self, pages.as_mut_ptr().cast(), size_of_val(pages))) }
    }

    /// Zeroes any bytes; those outside whole blocks are cleared with ordinary stores.
    pub fn zero_bytes(self, bytes: &mut [u8]) {
        // SAFETY: the slice is valid for writes.
        unsafe { zero(Clear::Bytes(self, bytes.as_mut_ptr(), bytes.len())) }
    }
}

/// Every primitive compiled into this build, whether or not this CPU has it.
pub fn primitives() -> &'static [Primitive] {
    arch::PRIMITIVES
}

/// The row called `name`.
pub(crate) fn find(name: &str) -> Option<&'static Primitive> {
    primitives().iter().find(|p| p.name == name)
}

/// The row called `name`, where this CPU has it.
#[allow(dead_code, reason = "only MTE is asked for by name")]
pub(crate) fn usable(name: &str) -> Option<Available> {
    find(name)?.available().ok()
}
