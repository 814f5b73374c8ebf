//! The comments of contracts, which become the descriptions.

use std::collections::HashMap;

use prost_reflect::{
    EnumDescriptor, FieldDescriptor, FileDescriptor, MessageDescriptor, MethodDescriptor, ServiceDescriptor,
};

/// The comments of all files that were asked about, by file and by place in the file.
#[derive(Debug, Default)]
pub(super) struct Comments {
    by_file: HashMap<String, HashMap<Vec<i32>, String>>,
}

/// Something that can have a comment.
pub(super) trait Commented {
    fn file(&self) -> FileDescriptor;
    /// Where it stands, as `google.protobuf.SourceCodeInfo.Location.path` says it.
    fn place(&self) -> &[i32];
}

macro_rules! commented {
    ($($descriptor:ty),*) => {
        $(impl Commented for $descriptor {
            fn file(&self) -> FileDescriptor {
                self.parent_file()
            }

            fn place(&self) -> &[i32] {
                self.path()
            }
        })*
    };
}

commented!(EnumDescriptor, FieldDescriptor, MessageDescriptor, MethodDescriptor, ServiceDescriptor);

impl Comments {
    /// The comment before something, `None` if there is none.
    pub(super) fn of(&mut self, something: &impl Commented) -> Option<String> {
        self.at(&something.file(), something.place())
    }

    /// The comment before what stands at a place of a file.
    pub(super) fn at(&mut self, file: &FileDescriptor, place: &[i32]) -> Option<String> {
        if let Some(comments) = self.by_file.get(file.name()) {
            return comments.get(place).cloned();
        }
        let comments = read(file);
        let comment = comments.get(place).cloned();
        self.by_file.insert(file.name().to_owned(), comments);
        comment
    }
}

fn read(file: &FileDescriptor) -> HashMap<Vec<i32>, String> {
    let locations = file.file_descriptor_proto().source_code_info.iter().flat_map(|info| &info.location);
    let comments = locations.filter_map(|location| {
        let text = location.leading_comments.as_deref().or(location.trailing_comments.as_deref())?;
        let text = text.lines().map(str::trim).collect::<Vec<_>>().join("\n").trim().to_owned();
        (!text.is_empty()).then(|| (location.path.clone(), text))
    });
    comments.collect()
}
