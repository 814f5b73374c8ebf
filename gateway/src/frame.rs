//! The frames of gRPC and gRPC-Web: one byte of flags, four bytes of length, and that many bytes.
//! <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>, <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md>

/// Flags and length.
pub(crate) const PREFIX_BYTES: usize = 5;
/// The flag of a frame that holds trailers instead of a message; gRPC-Web only.
pub(crate) const TRAILER: u8 = 0x80;
/// The flag of a frame whose message is compressed.
pub(crate) const COMPRESSED: u8 = 0x01;

/// What is wrong with the frames of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("a message begins with the unknown flags {0:#04x}")]
    UnknownFlags(u8),
    #[error("a message of {length} bytes is longer than the {limit} bytes that are allowed")]
    TooLong { length: u32, limit: u32 },
    #[error("the body ends after {there} of the 5 bytes that a message begins with")]
    CutPrefix { there: usize },
    #[error("the body ends after {there} of the {length} bytes of a message")]
    CutMessage { there: u32, length: u32 },
    #[error("something follows the trailer frame")]
    AfterTrailer,
}

/// What may be in a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameRules {
    /// The longest message in bytes.
    pub(crate) longest_message: u32,
    /// The longest trailer frame in bytes, where one may come at the end.
    pub(crate) longest_trailer: Option<u32>,
}

/// What a scan has found in a chunk, counted from its first byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scanned {
    /// How many bytes belong to messages; the rest is a trailer frame.
    pub(crate) of_messages: usize,
    /// Where the last message that ends in this chunk ends; 0 if none does.
    pub(crate) last_end: usize,
}

/// Follows the frames of a body from chunk to chunk, however they are cut. It looks at prefixes only and keeps nothing but its place.
#[derive(Debug)]
pub(crate) struct FrameScanner {
    rules: FrameRules,
    place: Place,
    messages: u64,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Prefix { bytes: [u8; PREFIX_BYTES], there: usize },
    Message { length: u32, left: u32 },
    Trailer { length: u32, left: u32 },
    AfterTrailer,
}

const NEXT_FRAME: Place = Place::Prefix { bytes: [0; PREFIX_BYTES], there: 0 };

impl FrameScanner {
    pub(crate) fn new(rules: FrameRules) -> Self {
        Self { rules, place: NEXT_FRAME, messages: 0 }
    }

    /// Takes the next bytes of the body.
    pub(crate) fn scan(&mut self, chunk: &[u8]) -> Result<Scanned, FrameError> {
        let mut at = 0;
        let mut scanned = Scanned::default();
        while at < chunk.len() {
            let rest = chunk.len() - at;
            match &mut self.place {
                Place::Prefix { bytes, there } => {
                    let taken = rest.min(PREFIX_BYTES - *there);
                    bytes[*there..*there + taken].copy_from_slice(&chunk[at..at + taken]);
                    *there += taken;
                    at += taken;
                    let (prefix, complete) = (*bytes, *there == PREFIX_BYTES);
                    let is_trailer = self.is_trailer(prefix[0])?;
                    if complete {
                        self.place = self.after_prefix(prefix, is_trailer)?;
                    }
                    if !is_trailer {
                        scanned.of_messages = at;
                    }
                    if complete && self.is_between_frames() {
                        self.messages += 1;
                        scanned.last_end = at;
                    }
                }
                Place::Message { left, .. } => {
                    let taken = shorter(rest, *left);
                    *left -= taken;
                    at += taken as usize;
                    scanned.of_messages = at;
                    if *left == 0 {
                        self.place = NEXT_FRAME;
                        self.messages += 1;
                        scanned.last_end = at;
                    }
                }
                Place::Trailer { left, .. } => {
                    let taken = shorter(rest, *left);
                    *left -= taken;
                    at += taken as usize;
                    if *left == 0 {
                        self.place = Place::AfterTrailer;
                    }
                }
                Place::AfterTrailer => return Err(FrameError::AfterTrailer),
            }
        }
        Ok(scanned)
    }

    /// How many messages have ended so far.
    pub(crate) fn messages(&self) -> u64 {
        self.messages
    }

    /// Says that the body is over.
    pub(crate) fn finish(&self) -> Result<(), FrameError> {
        match self.place {
            Place::Prefix { there: 0, .. } | Place::AfterTrailer => Ok(()),
            Place::Prefix { there, .. } => Err(FrameError::CutPrefix { there }),
            Place::Message { length, left } | Place::Trailer { length, left } => {
                Err(FrameError::CutMessage { there: length - left, length })
            }
        }
    }

    fn is_between_frames(&self) -> bool {
        matches!(self.place, Place::Prefix { there: 0, .. })
    }

    fn is_trailer(&self, flags: u8) -> Result<bool, FrameError> {
        match flags & !COMPRESSED {
            0 => Ok(false),
            TRAILER if self.rules.longest_trailer.is_some() => Ok(true),
            _ => Err(FrameError::UnknownFlags(flags)),
        }
    }

    fn after_prefix(&self, prefix: [u8; PREFIX_BYTES], is_trailer: bool) -> Result<Place, FrameError> {
        let [_, length @ ..] = prefix;
        let length = u32::from_be_bytes(length);
        let limit = if is_trailer { self.rules.longest_trailer.unwrap_or(0) } else { self.rules.longest_message };
        if length > limit {
            return Err(FrameError::TooLong { length, limit });
        }
        Ok(match (is_trailer, length) {
            (true, 0) => Place::AfterTrailer,
            (true, left) => Place::Trailer { length, left },
            (false, 0) => NEXT_FRAME,
            (false, left) => Place::Message { length, left },
        })
    }
}

fn shorter(available: usize, left: u32) -> u32 {
    u32::try_from(available).map_or(left, |available| available.min(left))
}

#[cfg(test)]
mod tests;
