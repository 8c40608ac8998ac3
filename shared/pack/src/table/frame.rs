//! Compressed pages: one Zstandard frame each, which states how large its content is.
//!
//! Whatever a decoder could take or leave is refused: a second frame, a skippable one, a dictionary,
//! a checksum, a size that is not stated, a window that not every decoder gives room to.

use zstd::zstd_safe;

/// Cost and gain of the levels differ little; this is the library's own default.
const LEVEL: i32 = 3;

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Largest window that every decoder must support (RFC 8878, 3.1.1.1.2).
const WINDOW_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// The frame of these bytes.
pub(super) fn compress(content: &[u8]) -> Result<Vec<u8>, String> {
    let frame = zstd::bulk::compress(content, LEVEL).map_err(|error| error.to_string())?;
    // An empty page has no levels and no values; it is compressed like any other.
    match check(&frame, content.len() as u64) {
        Ok(()) => Ok(frame),
        Err(why) => Err(format!("the compressed page {why}")),
    }
}

/// Whether the bytes are one frame with a content of that size, as its header says.
pub(super) fn check(frame: &[u8], size: u64) -> Result<(), &'static str> {
    let rest = frame.strip_prefix(&MAGIC).ok_or("is no Zstandard frame")?;
    let (descriptor, rest) = rest.split_first().ok_or("is cut off")?;
    if descriptor & 0b0001_1111 != 0 {
        return Err("has reserved bits, a checksum or a dictionary");
    }
    let single_segment = descriptor & 0b0010_0000 != 0;
    let rest = if single_segment {
        rest
    } else {
        let (window, rest) = rest.split_first().ok_or("is cut off")?;
        let base = 1_u64 << (10 + u32::from(window >> 3));
        let window = base + (base >> 3) * u64::from(window & 7);
        if window > WINDOW_BYTES_MAX {
            return Err("needs a larger window than 8 MiB");
        }
        rest
    };
    let stated = match (descriptor >> 6, single_segment) {
        (0, false) => return Err("does not state its size"),
        (0, true) => rest.first_chunk::<1>().map(|[size]| u64::from(*size)),
        (1, _) => rest.first_chunk().map(|size| u64::from(u16::from_le_bytes(*size)) + 256),
        (2, _) => rest.first_chunk().map(|size| u64::from(u32::from_le_bytes(*size))),
        (_, _) => rest.first_chunk().map(|size| u64::from_le_bytes(*size)),
    };
    if stated != Some(size) {
        return Err("states another size");
    }
    if single_segment && size > WINDOW_BYTES_MAX {
        return Err("needs a larger window than 8 MiB");
    }
    match zstd_safe::find_frame_compressed_size(frame) {
        Ok(length) if length == frame.len() => Ok(()),
        Ok(_) | Err(_) => Err("is not one whole frame"),
    }
}

/// The content of a frame, of that size.
pub(super) fn decompress(frame: &[u8], size: usize) -> Result<Vec<u8>, &'static str> {
    check(frame, size as u64)?;
    match zstd::bulk::decompress(frame, size) {
        Ok(content) if content.len() == size => Ok(content),
        Ok(_) | Err(_) => Err("does not decompress to its size"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_frame_of_its_size_is_read() {
        let large: Vec<u8> = (0..3_000_000_u32).flat_map(|at| (at / 7).to_le_bytes()).collect();
        for content in [&b""[..], b"a", &[7; 300], &large] {
            let frame = compress(content).unwrap();
            assert_eq!(decompress(&frame, content.len()).unwrap(), content);
            assert!(decompress(&frame, content.len() + 1).is_err());
            assert!(check(&frame, content.len() as u64 + 1).is_err());
            assert!(check(&[&frame[..], &frame].concat(), content.len() as u64).is_err());
            assert!(check(&[&frame[..], &[0]].concat(), content.len() as u64).is_err());
            assert!(check(&frame[..frame.len() - 1], content.len() as u64).is_err());
            let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0][..], &frame].concat();
            assert!(check(&skippable, content.len() as u64).is_err());
        }
        // With a checksum, with an unused bit, with a dictionary, of unknown size.
        let frame = compress(&[7; 300]).unwrap();
        for bit in 0..5 {
            let mut changed = frame.clone();
            changed[4] |= 1 << bit;
            assert!(check(&changed, 300).is_err(), "{bit}");
        }
    }
}
