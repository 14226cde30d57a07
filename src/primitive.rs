//! Primitives: the ways to zero memory that this build has, and what each requires.

use core::ffi::CStr;
use core::fmt;
use core::ops::Deref;

use crate::arch;
use crate::cpu::{Feature, declared, same};

/// Whether a primitive's stores go through the cache or bypass it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreKind {
    /// Stores leave the lines in the cache: best if the memory is used soon.
    Temporal,
    /// Stores bypass the cache. If they are weakly ordered, the primitive ends with a fence.
    NonTemporal,
}

impl StoreKind {
    /// Returns `temporal` or `non-temporal`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Temporal => "temporal",
            Self::NonTemporal => "non-temporal",
        }
    }
}

/// The registers that a primitive writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RegisterFile {
    /// General registers only: legal in kernels and interrupt handlers.
    General,
    /// Vector registers: compiled in only if the target has them.
    Vector,
}

impl RegisterFile {
    /// Returns `general` or `vector`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::Vector => "vector",
        }
    }
}

/// The reason why this CPU or build cannot run a primitive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unavailable {
    /// The source of the information and its value, such as a CPUID bit that is 0.
    pub reason: &'static str,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason)
    }
}

impl core::error::Error for Unavailable {}

/// One way to zero memory: a row of the table [`primitives`].
///
/// A row of the build need not work on this CPU: see [`Primitive::available`].
pub struct Primitive {
    /// ASCII.
    name: &'static CStr,
    store: StoreKind,
    registers: RegisterFile,
    /// The feature that it requires, if any.
    needs: Option<Feature>,
    /// A function, because some CPUs report the block size only at run time.
    block: fn() -> usize,
    availability: fn() -> Result<(), Unavailable>,
    pub(crate) leaf: Leaf,
}

/// The code of a primitive. Callers promise that this CPU can run it, that each range is valid for
/// writes, and that addresses and lengths are non-zero multiples of its block. A range may span
/// adjacent allocations: their provenance is exposed, and a leaf works on addresses.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "not every ISA has weakly ordered stores, or memory tags")]
pub(crate) enum Leaf {
    /// Clears one range (address, bytes) with normally ordered stores.
    Ordered(unsafe fn(*mut u8, usize)),
    /// Clears a list of ranges of equal length (list, entries, bytes in each) with weakly ordered
    /// stores. There is at least one entry. The fence is in the same asm block as all the stores,
    /// so that no caller can see a pending store or forget the fence.
    Weak(WeakLeaf),
    /// Like `Ordered`, but also sets the memory tags to the tag of the pointer.
    Tagging(unsafe fn(*mut u8, usize)),
}

/// The code of [`Leaf::Weak`]: list, entries, bytes in each range.
pub(crate) type WeakLeaf = unsafe fn(*const *mut u8, usize, usize);

/// Builds the rows of `arch/`.
#[allow(dead_code, reason = "an ISA or build needs not all")]
impl Primitive {
    /// Creates a row that every CPU of the ISA has: temporal stores from general registers.
    pub(crate) const fn plain(name: &'static CStr, block: fn() -> usize, leaf: Leaf) -> Self {
        Self {
            name,
            store: StoreKind::Temporal,
            registers: RegisterFile::General,
            needs: None,
            block,
            availability: || Ok(()),
            leaf,
        }
    }

    pub(crate) const fn non_temporal(self) -> Self {
        Self { store: StoreKind::NonTemporal, ..self }
    }

    pub(crate) const fn vector(self) -> Self {
        Self { registers: RegisterFile::Vector, ..self }
    }

    /// Requires a feature, if it is not part of the ISA.
    pub(crate) const fn needs_feature(
        self,
        needs: Option<Feature>,
        availability: fn() -> Result<(), Unavailable>,
    ) -> Self {
        Self { needs, availability, ..self }
    }
}

impl Primitive {
    /// Returns the name, which is also that of its source file: `stosb`, `clzero`, `dc_zva`.
    pub const fn name(&self) -> &'static str {
        // SAFETY: the names are literals of ASCII characters.
        unsafe { core::str::from_utf8_unchecked(self.name.to_bytes()) }
    }

    /// Returns the name as a C string.
    pub const fn c_name(&self) -> &'static CStr {
        self.name
    }

    /// Returns whether its stores go through the cache or bypass it.
    pub const fn store(&self) -> StoreKind {
        self.store
    }

    /// Returns the registers that it writes.
    pub const fn registers(&self) -> RegisterFile {
        self.registers
    }

    /// Returns the feature that it requires; `None` if every CPU of this ISA can run it.
    pub const fn needs(&self) -> Option<Feature> {
        self.needs
    }

    /// Returns whether it also sets the memory tags, to the tag of the pointer. Such a primitive
    /// cannot be forced or be in a plan: pointers with other tags would fault after a clear.
    pub const fn sets_tags(&self) -> bool {
        matches!(self.leaf, Leaf::Tagging(_))
    }

    /// Returns the block size in bytes: a power of two, at most a page. Partial blocks at the ends
    /// of a range are cleared with ordinary stores.
    pub fn block(&self) -> usize {
        (self.block)()
    }

    /// Checks whether this CPU can run it. The result changes only by
    /// [`init_with`](crate::init_with), so callers can cache it.
    pub fn available(&'static self) -> Result<AvailablePrimitive, Unavailable> {
        match (declared::features(), self.needs) {
            (Some(features), Some(feature)) if features.contains(feature) => Ok(()),
            (Some(_), Some(_)) => {
                Err(Unavailable { reason: "not a feature that init_with was given" })
            }
            _ => (self.availability)(),
        }
        .map(|()| AvailablePrimitive(self))
    }
}

impl fmt::Debug for Primitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Primitive({})", self.name())
    }
}

impl PartialEq for Primitive {
    /// Compares the addresses: there is one table, and nothing copies its rows.
    fn eq(&self, other: &Self) -> bool {
        core::ptr::eq(self, other)
    }
}

impl Eq for Primitive {}

/// A primitive that this CPU can run. The value is the proof of that, so its methods are safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvailablePrimitive(&'static Primitive);

impl AvailablePrimitive {
    /// # Safety
    /// This CPU can run the primitive.
    pub(crate) const unsafe fn new_unchecked(primitive: &'static Primitive) -> Self {
        Self(primitive)
    }

    /// Returns the code of a weakly ordered primitive, which clears a list with one fence.
    pub(crate) const fn weak(self) -> Option<WeakLeaf> {
        match self.0.leaf {
            Leaf::Weak(leaf) => Some(leaf),
            Leaf::Ordered(_) | Leaf::Tagging(_) => None,
        }
    }

    /// Returns the primitive.
    pub const fn primitive(self) -> &'static Primitive {
        self.0
    }
}

impl Deref for AvailablePrimitive {
    type Target = Primitive;

    #[inline]
    fn deref(&self) -> &Primitive {
        self.0
    }
}

/// Returns all primitives that are compiled in, including those that this CPU cannot run.
pub fn primitives() -> &'static [Primitive] {
    &arch::PRIMITIVES
}

/// A row by its position in the table. One byte instead of a pointer: a tuning has 195 rows, and
/// kernels have small stacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position(u8);

impl Position {
    pub(crate) const fn of(row: &'static Primitive) -> Self {
        // SAFETY: every row is in the table: nothing else creates or copies one.
        Self(unsafe { core::ptr::from_ref(row).offset_from(arch::PRIMITIVES.as_ptr()) } as u8)
    }

    pub(crate) const fn row(self) -> &'static Primitive {
        // SAFETY: only `of` creates a position. Indexing would need the text of a panic.
        unsafe { &*arch::PRIMITIVES.as_ptr().add(self.0 as usize) }
    }
}

/// Returns the row named `name`. As a constant it costs a kernel no search and no names.
pub(crate) const fn named(name: &str) -> Option<&'static Primitive> {
    let mut i = 0;
    while i < arch::PRIMITIVES.len() {
        let row = &arch::PRIMITIVES[i];
        if same(row.name().as_bytes(), name.as_bytes()) {
            return Some(row);
        }
        i += 1;
    }
    None
}

/// Returns the row named `name`, if this CPU can run it.
#[allow(dead_code, reason = "only MTE is asked for by name")]
pub(crate) fn usable(name: &str) -> Option<AvailablePrimitive> {
    named(name)?.available().ok()
}
