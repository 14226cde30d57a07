//! The limits of a report. Every command takes time proportional to the size of a report: with these
//! limits, seconds. docs/report-schema.md lists them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::Report;
use super::group::Group;

/// Bytes of a file.
pub const MOST_BYTES: u64 = 32 << 20;
/// Bytes of a text, such as the name of a CPU or an argument.
const MOST_TEXT: usize = 16 << 10;
/// Bytes of a contender's name. Breaking it into lines for a terminal takes quadratic time.
const MOST_NAME: u64 = 64;
/// Figures.
const MOST_CELLS: u64 = 100_000;
/// Charts: combinations of CPU, number of threads, backing and temperature.
const MOST_GROUPS: u64 = 4096;
/// Fields of all heat maps: one for each contender at each size of a group.
const MOST_FIELDS: u64 = 500_000;

/// Refuses a report that is too large.
///
/// # Errors
/// The message names what exceeds its limit, and the limit.
pub fn check(report: &Report) -> Result<(), String> {
    let limit = |what: &str, n: u64, most: u64| match n > most {
        true => Err(format!("{n} {what}, allowed are {most}")),
        false => Ok(()),
    };
    limit("cells", report.cells.len() as u64, MOST_CELLS)?;
    let longest = report.cells.iter().map(|cell| cell.contender.len()).max().unwrap_or(0);
    limit("bytes of a contender's name", longest as u64, MOST_NAME)?;
    let mut groups = BTreeMap::<Group, (BTreeSet<&str>, BTreeSet<usize>)>::new();
    for cell in &report.cells {
        let (contenders, sizes) = groups.entry(Group::of(&cell.place)).or_default();
        contenders.insert(&cell.contender);
        sizes.insert(cell.place.size);
    }
    let what = "combinations of CPU, threads, backing and temperature";
    limit(what, groups.len() as u64, MOST_GROUPS)?;
    let fields =
        groups.values().map(|(contenders, sizes)| contenders.len() as u64 * sizes.len() as u64);
    limit("fields of heat maps (contenders times sizes)", fields.sum(), MOST_FIELDS)
}

/// Any JSON value without a text that exceeds the limit.
#[derive(Debug)]
pub struct ShortTexts;

impl<'de> Deserialize<'de> for ShortTexts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for ShortTexts {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self, E> {
        let bytes = text.len();
        if bytes > MOST_TEXT {
            return Err(E::custom(format!("a text of {bytes} bytes, allowed are {MOST_TEXT}")));
        }
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }
}
