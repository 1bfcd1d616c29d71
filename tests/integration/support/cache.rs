//! Cache points in a Converse request, told by its bytes alone.

/// A point as it is written, up to its lifetime. No text can hold it, because quotes are escaped there.
const POINT: &[u8] = br#",{"cachePoint":{"type":"default""#;

/// A body without its cache points, and how many of those bytes stand before each: what Bedrock compares.
pub(crate) fn cached(body: &[u8]) -> (Vec<u8>, Vec<usize>) {
    let mut plain = Vec::new();
    let mut prefixes = Vec::new();
    let mut rest = body;
    while let Some((first, others)) = rest.split_first() {
        if rest.starts_with(POINT) {
            prefixes.push(plain.len());
            let end = rest.windows(2).position(|pair| pair == b"}}").unwrap();
            rest = rest.split_at(end + 2).1;
        } else {
            plain.push(*first);
            rest = others;
        }
    }
    (plain, prefixes)
}
