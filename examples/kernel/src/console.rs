//! Text on the serial line.

use core::fmt;

use crate::arch;

pub struct Console;

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(arch::put);
        Ok(())
    }
}

macro_rules! print {
    ($($argument:tt)*) => {{
        use core::fmt::Write;
        let _ = write!($crate::console::Console, $($argument)*);
    }};
}
pub(crate) use print;
