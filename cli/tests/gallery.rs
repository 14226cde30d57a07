//! The gallery is the test of the library's table: the default tuning of each recorded CPU, made
//! from its recorded facts, against the figures of that CPU. If this fails after a report was
//! added, the table is wrong on that CPU.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

#[cfg(target_arch = "x86_64")]
use clearpage::Primitive;
use clearpage::cpu::{Facts, Isa};
use clearpage::{Intent, Tuning};
use clearpage_cli::judge::Judgement;
use clearpage_cli::report::load::load;
use clearpage_cli::report::{Place, Report, Temperature};

/// The least share of the fastest primitive's speed at any place, and on the mean of an intent.
const FLOOR: f64 = 0.90;
const MEAN: f64 = 0.95;

/// Every report of the gallery.
fn reports() -> Vec<(PathBuf, Report)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../results");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let reports = files.filter(|path| path.extension().is_some_and(|e| e == "json"));
    let mut reports: Vec<_> = reports.map(|path| (path.clone(), load(&path).unwrap())).collect();
    reports.sort_by(|a, b| a.0.cmp(&b.0));
    reports
}

/// The reports whose CPUs this build has a table for.
fn of_this_isa() -> Vec<(PathBuf, Report, Facts)> {
    let reports = reports().into_iter().map(|(path, report)| {
        let facts = report.machine.facts.facts().0;
        (path, report, facts)
    });
    reports.filter(|(.., facts)| facts.isa == Isa::BUILT_FOR).collect()
}

fn judge(report: &Report, tuning: &Tuning) -> Judgement {
    Judgement::by(report, FLOOR, |intent, len| Some(tuning.choose(intent, len).name().to_owned()))
}

#[test]
fn the_default_tuning_suits_every_recorded_cpu() {
    assert!(!reports().is_empty());
    for (path, report, _) in of_this_isa() {
        let judgement = Judgement::of(&report, FLOOR);
        let path = path.display();
        assert_eq!(judgement.unmeasured, [], "{path}: no figures of the chosen primitive");
        let sizes = report.cells.iter().filter(|cell| cell.place.temperature == Temperature::Cold);
        let sizes: BTreeSet<Place> = sizes.map(|cell| cell.place).collect();
        let cold = judgement.places.iter().filter(|place| place.intent == Intent::Cold);
        assert_eq!(cold.count(), sizes.len(), "{path}: all of cold is judged");
        for place in &judgement.places {
            assert!(place.share >= FLOOR, "{path}: {place:?}");
        }
        for intent in Intent::ALL {
            let (mean, _) = judgement.mean(intent).unwrap();
            assert!(mean >= MEAN, "{path}: {intent:?}: mean {mean:.3}");
        }
    }
}

/// The judgement itself can fail: no single primitive suits every intent and length.
#[test]
#[cfg(target_arch = "x86_64")]
fn a_tuning_of_one_primitive_is_below_the_floor() {
    for (path, report, facts) in of_this_isa() {
        let there = |row: &&Primitive| row.needs().is_none_or(|feature| facts.has(feature));
        for primitive in clearpage::primitives().iter().filter(there) {
            let judgement = judge(&report, &Tuning::uniform(primitive));
            let (path, name) = (path.display(), primitive.name());
            assert!(judgement.worst() < FLOOR, "{path}: {name}: {}", judgement.worst());
        }
    }
}

/// A hypervisor may invent family and model: that costs at most 10 % on the mean.
#[test]
#[cfg(target_arch = "x86_64")]
fn a_wrong_model_number_costs_at_most_a_tenth() {
    for (path, report, facts) in of_this_isa() {
        let right = Tuning::for_cpu(&facts).unwrap();
        let mut seen = vec![right];
        for (family, model) in (0..=0x1f).flat_map(|family| (0..=0xff).map(move |m| (family, m))) {
            // The features of the real CPU, or of one that its model is given out with.
            for features in [facts.features, without_avx512(&facts)] {
                let mut faked = facts;
                (faked.family, faked.model, faked.features) = (family, model, features);
                let tuning = Tuning::for_cpu(&faked).unwrap();
                if seen.contains(&tuning) {
                    continue;
                }
                seen.push(tuning);
                let (ours, theirs) = (judge(&report, &right), judge(&report, &tuning));
                for intent in Intent::ALL {
                    let mean = |judgement: &Judgement| judgement.mean(intent).map(|mean| mean.0);
                    let (Some(ours), Some(theirs)) = (mean(&ours), mean(&theirs)) else { continue };
                    let at = format!("{}: {intent:?}: {faked:?}", path.display());
                    assert!(theirs >= 0.9 * ours, "{at}: {theirs:.3}, not {ours:.3}");
                }
            }
        }
        assert!(seen.len() > 1, "{}: no quirk was tried", path.display());
    }
}

fn without_avx512(facts: &Facts) -> clearpage::cpu::Features {
    facts.features.iter().filter(|feature| feature.name() != "avx512f").collect()
}

/// What the table was before it was measured on a second CPU: it must not pass again.
#[test]
#[cfg(target_arch = "x86_64")]
fn the_table_that_suited_zen_5_alone_is_below_the_floor_on_zen_4() {
    // Its figures include that primitive.
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/schema-2.json");
    let report = load(&data).unwrap();
    let facts = report.machine.facts.facts().0;
    let right = Tuning::for_cpu(&facts).unwrap();
    let judgement = Judgement::by(&report, FLOOR, |intent, len| {
        let name = right.choose(intent, len).name();
        Some(if name == "movntdq_avx2" { "clzero_abreast" } else { name }.to_owned())
    });
    let cold = judgement.places.iter().filter(|place| place.intent == Intent::Cold);
    let below = cold.filter(|place| place.share < FLOOR).count();
    assert!(below >= 8, "{judgement:?}");
    assert!(judgement.worst() < 0.7);
}

/// Clearing alone is judged up to the second-level cache, and use at every size.
#[test]
fn each_intent_is_judged_by_its_use() {
    for (_, report, facts) in of_this_isa() {
        for place in Judgement::of(&report, FLOOR).places {
            let (temperature, size) = (place.place.temperature, place.place.size);
            match place.intent {
                Intent::Cold | Intent::Auto => assert_eq!(temperature, Temperature::Cold),
                Intent::Hot => match temperature {
                    Temperature::Hot => assert!(size <= facts.caches.l2),
                    other => assert!(matches!(other, Temperature::Use | Temperature::Reuse)),
                },
            }
        }
    }
}
