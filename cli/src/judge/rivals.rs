//! What the choice of a primitive is compared with.

use std::collections::BTreeMap;

use clearpage::Intent;

use crate::report::{Place, Temperature};

/// Times of the primitives at one place.
pub type Times<'a> = BTreeMap<&'a str, f64>;

/// The figures of a report.
pub struct Figures<'a> {
    pub times: BTreeMap<Place, Times<'a>>,
    pub l2: usize,
    pub l3: usize,
}

/// What an intent's choice is compared with.
pub enum Rivals<'a> {
    /// The temperatures that are judged together, and times or mean slowdowns in them.
    These(Vec<Temperature>, Times<'a>),
    NoFiguresOfReuse,
    NotJudged,
}

impl<'a> Figures<'a> {
    /// What the choice of `intent` at `place` is compared with.
    pub fn rivals(&self, intent: Intent, place: Place, floor: f64, chosen: &str) -> Rivals<'a> {
        use Temperature::{Cold, Hot, Reuse, Use};
        let here = || Rivals::These(vec![place.temperature], self.times[&place].clone());
        match (intent, place.temperature) {
            (Intent::Cold, Cold) => here(),
            (Intent::Hot, Use) => self.compromises(place, &[Use, Reuse]),
            (Intent::Hot, Reuse) if self.slowdowns(place, Use).is_none() => here(),
            (Intent::Hot, Hot) if place.size <= self.l2 => self
                .fit_for_use(place, floor, chosen)
                .map_or(Rivals::NotJudged, |times| Rivals::These(vec![Hot], times)),
            (Intent::Auto, Cold) => self.compromises(place, &[Cold, Use, Reuse]),
            _ => Rivals::NotJudged,
        }
    }

    /// Returns the times of the chosen primitive and of those that reach the floor in use;
    /// `None` if that was not measured. Clearing alone is not what Hot is for: a primitive that is
    /// slower as soon as the memory is used is no rival.
    fn fit_for_use(&self, place: Place, floor: f64, chosen: &str) -> Option<Times<'a>> {
        let used = [Temperature::Use, Temperature::Reuse];
        let used: Vec<Times> = used.into_iter().filter_map(|t| self.slowdowns(place, t)).collect();
        let fit = |name: &str| {
            let slowdowns = used.iter().filter_map(|slowdowns| slowdowns.get(name));
            slowdowns.into_iter().all(|slowdown| 1.0 / slowdown >= floor)
        };
        let times = self.times[&place].iter().filter(|(name, _)| **name == chosen || fit(name));
        (!used.is_empty()).then(|| times.map(|(name, time)| (*name, *time)).collect())
    }

    /// The mean slowdown of each primitive in several cases: on some CPUs no primitive is good in all
    /// of them. Memory that does not fit the last-level cache is not in it when it is reused, so use
    /// stands for reuse there; in smaller memory Auto cannot be judged without figures of reuse.
    fn compromises(&self, place: Place, cases: &[Temperature]) -> Rivals<'a> {
        let (mut measured, mut all) = (Vec::new(), Vec::new());
        for &case in cases {
            if let Some(slowdowns) = self.slowdowns(place, case) {
                measured.push(case);
                all.push(slowdowns);
            } else if case != Temperature::Reuse {
                return Rivals::NotJudged;
            } else if self.l3 != 0 && place.size >= self.l3 {
                all.extend(self.slowdowns(place, Temperature::Use));
            } else if cases.contains(&Temperature::Cold) {
                return Rivals::NoFiguresOfReuse;
            }
        }
        let mean = |name: &&'a str| {
            let slowdowns: Option<Vec<f64>> =
                all.iter().map(|of_case| of_case.get(name).copied()).collect();
            Some((*name, slowdowns?.iter().sum::<f64>() / all.len() as f64))
        };
        Rivals::These(measured, all[0].keys().filter_map(mean).collect())
    }

    /// Times as multiples of the least, at `place` but for its temperature.
    fn slowdowns(&self, place: Place, temperature: Temperature) -> Option<Times<'a>> {
        let times = self.times.get(&Place { temperature, ..place })?;
        let least = times.values().copied().fold(f64::INFINITY, f64::min);
        Some(times.iter().map(|(name, time)| (*name, time / least)).collect())
    }
}
