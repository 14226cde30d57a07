//! stub
/// stub
pub fn name_and_version() -> Option<String> {
    None
}
