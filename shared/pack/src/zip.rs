//! Zip files of one exact form: stored, sorted, without times, extra fields or comments.
//!
//! The same entries give the same bytes, and reading accepts nothing else: the entries are cut out,
//! written again and compared, so a changed, missing, added or reordered byte anywhere is found,
//! and every ordinary zip program opens the file.

use segment::fault::Fault;

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";

/// Version needed to extract: 1.0, stored files only.
const VERSION: u16 = 10;
/// Made by: Unix, so that the permissions below count.
const MADE_BY: u16 = (3 << 8) | VERSION;
/// Regular file, `rw-r--r--`.
const MODE: u32 = 0o100_644 << 16;
/// 1980-01-01, the earliest date of the format.
const DATE: u16 = 0x21;

/// Step of the fault that reading reports.
const STEP: &str = "zip in its exact form";

/// An entry: name and content.
pub(crate) type Entry<'a> = (&'a str, &'a [u8]);

/// The zip file of these entries, in ascending order of their names. `None` if it would need more
/// than 4 GiB or 65,535 entries, or if a name is not plain or not in order.
pub(crate) fn write(entries: &[Entry<'_>]) -> Option<Vec<u8>> {
    let names = entries.iter().map(|(name, _)| *name);
    if !names.clone().is_sorted_by(|a, b| a < b) || !names.clone().all(is_plain) {
        return None;
    }
    let mut zip = Vec::new();
    emit(entries, &mut |bytes| zip.extend_from_slice(bytes))?;
    Some(zip)
}

/// The entries of a zip file in its exact form.
pub(crate) fn read(zip: &[u8]) -> Result<Vec<Entry<'_>>, Fault> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    let mut rest = zip;
    while let Some(after) = rest.strip_prefix(&LOCAL) {
        let place = match entries.last() {
            Some((name, _)) => format!("the entry after `{name}`"),
            None => "the first entry".to_owned(),
        };
        let fault = |found: &str| Fault::new(STEP, place.as_str(), "a stored file", found);
        let (entry, after) = cut(after).ok_or_else(|| fault("one that is cut off or not plain"))?;
        if entries.last().is_some_and(|(last, _)| *last >= entry.0) {
            return Err(fault(&format!("`{}`, which repeats or is out of order", entry.0)));
        }
        entries.push(entry);
        rest = after;
    }
    let mut at = 0_usize;
    let mut differs = None;
    let written = emit(&entries, &mut |bytes| {
        let end = at + bytes.len();
        if differs.is_none() && zip.get(at..end) != Some(bytes) {
            let found = zip.iter().skip(at);
            let same = bytes.iter().zip(found).take_while(|(a, b)| a == b).count();
            differs = Some(at + same);
        }
        at = end;
    });
    if written.is_none() {
        return Err(Fault::new(STEP, "the whole file", "at most 4 GiB", "more"));
    }
    if differs.is_none() && at != zip.len() {
        differs = Some(at);
    }
    match differs {
        None if entries.is_empty() => {
            Err(Fault::new(STEP, "the whole file", "at least one entry", "none"))
        }
        None => Ok(entries),
        Some(byte) => Err(Fault::new(
            STEP,
            place_of(byte, &entries),
            "the bytes that its content gives",
            format!("another byte, or an end, at byte {byte} of the file"),
        )),
    }
}

/// Which entry a byte of the file belongs to.
fn place_of(byte: usize, entries: &[Entry<'_>]) -> String {
    let mut end = 0_usize;
    for (name, content) in entries {
        end += 30 + name.len() + content.len();
        if byte < end {
            return format!("entry `{name}`");
        }
    }
    "the directory at the end of the zip file".to_owned()
}

/// Cuts one entry, after its signature.
fn cut(rest: &[u8]) -> Option<(Entry<'_>, &[u8])> {
    // version, flags, method, time, date: 10 bytes; crc: 4; both sizes: 8; both lengths: 4.
    let (_, rest) = rest.split_at_checked(14)?;
    let (size, rest) = rest.split_first_chunk::<4>()?;
    let (_, rest) = rest.split_at_checked(4)?;
    let (name_len, rest) = rest.split_first_chunk::<2>()?;
    let (_, rest) = rest.split_at_checked(2)?;
    let (name, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*name_len)))?;
    let size = usize::try_from(u32::from_le_bytes(*size)).ok()?;
    let (content, rest) = rest.split_at_checked(size)?;
    let name = std::str::from_utf8(name).ok().filter(|name| is_plain(name))?;
    Some(((name, content), rest))
}

/// Whether a name is a relative path of plain ASCII parts: safe to extract anywhere.
fn is_plain(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    name.len() < 200
        && name
            .split('/')
            .all(|part| !part.is_empty() && !part.starts_with('.') && part.bytes().all(allowed))
}

fn emit(entries: &[Entry<'_>], to: &mut dyn FnMut(&[u8])) -> Option<()> {
    let count = u16::try_from(entries.len()).ok()?;
    let mut at = 0_u32;
    let mut directory = Vec::new();
    for (name, content) in entries {
        let size = u32::try_from(content.len()).ok()?;
        let name_len = u16::try_from(name.len()).ok()?;
        let mut common = Vec::with_capacity(26);
        // flags, method, time
        for field in [VERSION, 0, 0, 0, DATE] {
            common.extend_from_slice(&field.to_le_bytes());
        }
        common.extend_from_slice(&crc32fast::hash(content).to_le_bytes());
        common.extend_from_slice(&size.to_le_bytes());
        common.extend_from_slice(&size.to_le_bytes());
        common.extend_from_slice(&name_len.to_le_bytes());
        common.extend_from_slice(&0_u16.to_le_bytes());
        for part in [&LOCAL[..], &common, name.as_bytes(), content] {
            to(part);
        }
        directory.extend_from_slice(&CENTRAL);
        directory.extend_from_slice(&MADE_BY.to_le_bytes());
        directory.extend_from_slice(&common);
        // comment length, disk, internal attributes
        directory.extend_from_slice(&[0; 6]);
        directory.extend_from_slice(&MODE.to_le_bytes());
        directory.extend_from_slice(&at.to_le_bytes());
        directory.extend_from_slice(name.as_bytes());
        at = at.checked_add(30)?.checked_add(u32::from(name_len))?.checked_add(size)?;
    }
    let mut end = END.to_vec();
    end.extend_from_slice(&[0; 4]);
    end.extend_from_slice(&count.to_le_bytes());
    end.extend_from_slice(&count.to_le_bytes());
    end.extend_from_slice(&u32::try_from(directory.len()).ok()?.to_le_bytes());
    end.extend_from_slice(&at.to_le_bytes());
    end.extend_from_slice(&[0; 2]);
    to(&directory);
    to(&end);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRIES: [Entry<'static>; 3] =
        [("SHA256SUMS", b"abc"), ("log/a.jsonl", b""), ("pack.json", b"PK\x03\x04 not an entry")];

    #[test]
    fn entries_survive_the_file() {
        let zip = write(&ENTRIES).unwrap();
        assert_eq!(read(&zip).unwrap(), ENTRIES);
    }

    #[test]
    fn every_changed_bit_is_found_and_placed() {
        let zip = write(&ENTRIES).unwrap();
        for at in 0..zip.len() {
            for bit in 0..8 {
                let mut changed = zip.clone();
                changed[at] ^= 1 << bit;
                let fault = read(&changed).unwrap_err();
                assert!(!fault.place.is_empty());
            }
        }
        for end in 0..zip.len() {
            assert!(read(&zip[..end]).is_err(), "cut at {end}");
        }
        assert!(read(&[&zip[..], b"\0"].concat()).is_err());
        assert!(read(&[b"\0", &zip[..]].concat()).is_err());
    }

    #[test]
    fn a_changed_content_names_its_entry() {
        let mut zip = write(&ENTRIES).unwrap();
        zip[42] ^= 1;
        assert_eq!(read(&zip).unwrap_err().place, "entry `SHA256SUMS`");
    }

    #[test]
    fn entries_that_repeat_or_leave_their_directory_are_refused() {
        assert_eq!(write(&[("b", b""), ("a", b"")]), None);
        assert_eq!(write(&[("a", b""), ("a", b"")]), None);
        for name in ["../a", "/a", "a//b", "", "a\\b", ".hidden"] {
            assert_eq!(write(&[(name, b"")]), None, "{name}");
        }
    }
}
