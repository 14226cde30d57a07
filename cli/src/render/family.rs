//! The families of contenders. Charts emphasise three contenders and draw the others grey.

use crate::report::Cell;
use crate::report::group::PLAN;

/// How a chart draws a contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    Clearpage,
    Memset,
    /// One call for each page, as kernels did before batching.
    PerPage,
    NonTemporal,
    /// Instructions that zero a block of the cache.
    Block,
    Temporal,
    /// Calls that are no primitive.
    Other,
}

/// The contender that calls the C library.
const MEMSET: &str = "libc memset";

/// Sorted by their order in legends.
pub const FAMILIES: [Family; 7] = [
    Family::Clearpage,
    Family::Memset,
    Family::PerPage,
    Family::NonTemporal,
    Family::Block,
    Family::Temporal,
    Family::Other,
];

impl Family {
    /// Returns the family of a contender. A report of another CPU has primitives that this build lacks,
    /// so the names decide.
    pub fn of(cell: &Cell) -> Self {
        match &*cell.contender {
            PLAN => Self::Clearpage,
            MEMSET => Self::Memset,
            name if !cell.primitive && name.ends_with(" a page") => Self::PerPage,
            _ if !cell.primitive => Self::Other,
            "dc_zva" | "cbo_zero" | "dcbz" => Self::Block,
            name if name.starts_with("clzero") => Self::Block,
            name if name.starts_with("movnt") || name == "stnp" => Self::NonTemporal,
            _ => Self::Temporal,
        }
    }

    /// Whether charts emphasise it.
    pub const fn is_strong(self) -> bool {
        matches!(self, Self::Clearpage | Self::Memset | Self::PerPage)
    }

    /// Returns the label at the end of a line.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Clearpage => "clearpage",
            Self::Memset => "memset",
            Self::PerPage => "one call a page",
            Self::NonTemporal => "non-temporal",
            Self::Block => "cache block",
            Self::Temporal => "temporal",
            Self::Other => "other calls",
        }
    }

    /// Returns what a legend calls the family.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Clearpage => "clearpage with the matching intent",
            Self::Memset => "memset",
            Self::PerPage => "one call a page",
            Self::NonTemporal => "non-temporal stores",
            Self::Block => "cache-block instructions",
            Self::Temporal => "temporal stores",
            Self::Other => "other calls",
        }
    }

    /// Returns the CSS classes of its lines and markers.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Clearpage => "clearpage",
            Self::Memset => "memset",
            Self::PerPage => "perpage",
            Self::NonTemporal => "rest stream",
            Self::Block => "rest block",
            Self::Temporal => "rest plain",
            Self::Other => "rest other",
        }
    }

    /// Returns the path of its marker, centred at the origin. Only emphasised lines have one: a circle,
    /// a diamond, a square.
    pub const fn marker(self) -> Option<&'static str> {
        match self {
            Self::Clearpage => Some("M-3.4 0a3.4 3.4 0 1 0 6.8 0a3.4 3.4 0 1 0 -6.8 0z"),
            Self::Memset => Some("M0-4.2L4.2 0L0 4.2L-4.2 0z"),
            Self::PerPage => Some("M-3-3h6v6h-6z"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::load::load;

    fn cells() -> Vec<Cell> {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        load(&path.join("../results/amd-epyc-zen5-kvm.json")).unwrap().cells
    }

    #[test]
    fn every_contender_of_a_report_has_the_right_family() {
        let cells = cells();
        let family =
            |name: &str| Family::of(cells.iter().find(|cell| cell.contender == name).unwrap());
        assert_eq!(family("plan"), Family::Clearpage);
        assert_eq!(family("libc memset"), Family::Memset);
        assert_eq!(family("stosb a page"), Family::PerPage);
        assert_eq!(family("movntdq_avx2"), Family::NonTemporal);
        assert_eq!(family("clzero"), Family::Block);
        assert_eq!(family("stosb"), Family::Temporal);
        assert_eq!(family("auto"), Family::Other);
        assert_eq!(family("slice::fill"), Family::Other);
    }

    /// docs/primitives.md has the primitives of every ISA, from the library's tables.
    #[test]
    fn the_families_agree_with_the_table_of_primitives() {
        let table = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/primitives.md");
        let table = std::fs::read_to_string(table).unwrap();
        let mut cell = cells().into_iter().find(|cell| cell.primitive).unwrap();
        let mut rows = 0;
        for row in table.lines().filter(|line| line.starts_with("| `")) {
            let fields: Vec<_> = row.split('|').map(str::trim).collect();
            cell.contender = fields[1].trim_matches('`').to_owned();
            let family = Family::of(&cell);
            if family != Family::Block {
                assert_eq!(family == Family::NonTemporal, fields[2] == "non-temporal", "{row}");
            }
            let whole_block = fields[5] == "of the CPU" || fields[4] == "clzero";
            assert_eq!(family == Family::Block, whole_block, "{row}");
            rows += 1;
        }
        assert!(rows > 20, "{rows}");
    }

    #[test]
    fn the_style_sheets_have_every_class() {
        let chart = include_str!("chart.css");
        for family in FAMILIES {
            for class in family.class().split(' ') {
                let rule = format!(".{class} {{");
                assert!(chart.contains(&rule) || class == "plain", "{class}");
            }
        }
        let theme = include_str!("theme.css");
        for variable in ["--clearpage:", "--perpage:", "--rest:"] {
            assert_eq!(theme.matches(variable).count(), 2, "{variable} light and dark");
        }
    }
}
