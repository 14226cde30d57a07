//! Mutations of JSON that leave it JSON: bytes that are changed at random hardly ever do.

use libfuzzer_sys::fuzzer_mutate;
use serde_json::{Value, json};

/// Makes another input of `data[..size]`, in place; returns its length.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let value = serde_json::from_slice(&data[..size]);
    let (Ok(mut value), 1..) = (value, seed % 8) else {
        return fuzzer_mutate(data, size, max_size);
    };
    let mut dice = Dice(u64::from(seed) | 1);
    for _ in 0..=dice.below(4) {
        change(&mut value, &mut dice);
    }
    let text = value.to_string();
    if text.len() > max_size {
        return fuzzer_mutate(data, size, max_size);
    }
    data[..text.len()].copy_from_slice(text.as_bytes());
    text.len()
}

/// Changes one place of `value`: the deeper it lies, the likelier.
fn change(value: &mut Value, dice: &mut Dice) {
    let inside = dice.below(8) != 0;
    match value {
        Value::Array(list) if inside && !list.is_empty() => {
            let at = dice.below(list.len());
            match dice.below(12) {
                0 => drop(list.remove(at)),
                1 => list.push(list[at].clone()),
                2 => list.swap(0, at),
                _ => change(&mut list[at], dice),
            }
        }
        Value::Object(map) if inside && !map.is_empty() => {
            let at = dice.below(map.len());
            let (key, value) = map.iter_mut().nth(at).expect("there are as many");
            if dice.below(16) == 0 {
                let key = key.clone();
                map.remove(&key);
            } else {
                change(value, dice);
            }
        }
        Value::String(text) => *text = string(text, dice),
        Value::Number(_) => *value = number(dice),
        Value::Bool(set) => *set = !*set,
        _ => {
            *value = match dice.below(6) {
                0 => Value::Null,
                1 => json!([]),
                2 => json!({}),
                3 => number(dice),
                _ => string("", dice).into(),
            }
        }
    }
}

fn string(text: &str, dice: &mut Dice) -> String {
    const STRINGS: [&str; 22] = [
        "",
        "<b>",
        "]]>",
        "&",
        "\"'",
        "--><script>",
        "</style>",
        "\u{1b}[2J",
        "\r\n",
        "\0",
        "\u{9b}",
        "=1+1",
        ",",
        "\u{202e}",
        "\u{ffff}",
        "é",
        "plan",
        "auto",
        "memset",
        "x86_64",
        "aarch64",
        "Zen",
    ];
    let piece = STRINGS[dice.below(STRINGS.len())];
    match dice.below(6) {
        0 => piece.to_owned(),
        1 => piece.repeat(1 + dice.below(64)),
        2 => format!("{piece}{text}"),
        3 => format!("{text}{piece}"),
        _ => {
            let mut bytes = text.as_bytes().to_vec();
            bytes.resize(bytes.len() + 16, 0);
            let len = fuzzer_mutate(&mut bytes, text.len(), text.len() + 16);
            String::from_utf8_lossy(&bytes[..len]).into_owned()
        }
    }
}

fn number(dice: &mut Dice) -> Value {
    const WHOLE: [u64; 8] = [0, 1, 2, 3, 4095, u32::MAX as u64, 1 << 63, u64::MAX];
    const BROKEN: [f64; 8] = [-1.0, 0.0, 5e-324, 1e-9, 0.5, 1e17, 1e300, f64::MAX];
    match dice.below(4) {
        0 => WHOLE[dice.below(WHOLE.len())].into(),
        1 => BROKEN[dice.below(BROKEN.len())].into(),
        2 => (1_u64 << dice.below(64)).into(),
        _ => f64::from_bits(dice.next()).into(),
    }
}

/// xorshift64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 16) as usize % end
    }
}
