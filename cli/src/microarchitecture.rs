//! stub
/// stub
pub fn name(_: &str, _: &str, _: u32, _: u32) -> Option<&'static str> {
    None
}
