//! The contenders: the primitives, the plan, and the alternatives of a program.

use clearpage::{AvailablePrimitive, Intent, Page, primitives};

use crate::report::{FILL, MEMSET, Temperature};

/// One way to clear pages.
#[derive(Clone, Debug)]
pub struct Contender {
    /// Its name in tables and files.
    pub name: String,
    /// What it calls.
    pub kind: Kind,
}

/// What a contender calls.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// One primitive, once for the range.
    Primitive(AvailablePrimitive),
    /// One primitive, once a page: what kernels did before batching.
    PerPage(AvailablePrimitive),
    /// `clear_pages_for` with the intent that fits the temperature.
    Plan,
    /// `clear_pages`, which does not know the temperature.
    Auto,
    /// The C library's `memset`.
    Memset,
    /// Rust's `slice::fill`.
    Fill,
    /// Nothing: what is measured then is the tool.
    Empty,
}

/// Returns every contender of this CPU: the plan, the primitives, then the others.
pub fn contenders() -> Vec<Contender> {
    let named = |name: &str, kind| Contender { name: name.to_owned(), kind };
    let mut all = vec![named("plan", Kind::Plan), named("auto", Kind::Auto)];
    let available = || primitives().iter().filter_map(|p| p.available().ok());
    all.extend(available().map(|p| named(p.primitive().name(), Kind::Primitive(p))));
    all.push(named(MEMSET, Kind::Memset));
    all.push(named(FILL, Kind::Fill));
    // The first row is what a kernel of this ISA clears a page with.
    all.extend(
        available()
            .next()
            .map(|p| named(&format!("{} a page", p.primitive().name()), Kind::PerPage(p))),
    );
    all
}

impl Contender {
    /// Returns the contender that does nothing, whose figures are the overhead of the tool.
    pub fn empty() -> Self {
        Self { name: "empty".to_owned(), kind: Kind::Empty }
    }

    /// Returns whether the plan uses this contender at `temperature` for `size` bytes.
    pub fn planned(&self, temperature: Temperature, size: usize) -> bool {
        matches!(self.kind, Kind::Primitive(p)
            if *p.primitive() == *clearpage::primitive_for(temperature.intent(), size))
    }

    /// Returns whether this contender is a primitive.
    pub fn is_primitive(&self) -> bool {
        matches!(self.kind, Kind::Primitive(_))
    }
}

impl Kind {
    /// Calls `each` with this contender's function: once, so that the loop around the function
    /// is compiled for it and costs no choice a call.
    pub fn with<R>(self, intent: Intent, each: impl Each<R>) -> R {
        match self {
            Self::Primitive(p) => each.call(|pages: &mut [Page]| p.clear_pages(pages)),
            Self::PerPage(p) => each.call(|pages: &mut [Page]| {
                for page in pages {
                    p.clear_pages(std::slice::from_mut(page));
                }
            }),
            Self::Plan => match intent {
                Intent::Cold => {
                    each.call(|pages: &mut [Page]| clearpage::clear_pages_for(pages, Intent::Cold))
                }
                _ => each.call(|pages: &mut [Page]| clearpage::clear_pages_for(pages, Intent::Hot)),
            },
            Self::Auto => each.call(clearpage::clear_pages),
            Self::Memset => each.call(|pages: &mut [Page]| {
                // SAFETY: pages are nothing but bytes, and these are ours to write.
                unsafe { libc::memset(pages.as_mut_ptr().cast(), 0, size_of_val(pages)) };
            }),
            Self::Fill => each.call(|pages: &mut [Page]| {
                let len = size_of_val(pages);
                // SAFETY: pages are nothing but bytes, borrowed as `pages` is.
                let bytes =
                    unsafe { std::slice::from_raw_parts_mut(pages.as_mut_ptr().cast::<u8>(), len) };
                bytes.fill(0);
            }),
            // Not quite nothing to the compiler, which would leave out the loop around it.
            Self::Empty => each.call(|_: &mut [Page]| std::hint::black_box(())),
        }
    }
}

/// A piece of work over any clearing function.
pub trait Each<R> {
    /// Does the work.
    fn call(self, clear: impl FnMut(&mut [Page])) -> R;
}
