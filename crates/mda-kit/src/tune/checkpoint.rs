//! All that it takes to go on with a tuning, in a file.
//!
//! Eight bytes that say what it is, the length of a JSON header, the header, four lists of numbers, and the SHA-256 of all that.

use super::pupil::Pupil;
use crate::error::Error;
use mda_core::Model;
use mda_core::method::Tuning;
use mda_core::tune::{Epoch, State};
use mda_data::identity;
use mda_formats::{atomic, native};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"MDATUNE1";
const DIGEST: usize = 32;

/// Where a tuning's checkpoint is, and what tells it from others.
pub(super) struct Checkpoint {
    path: PathBuf,
    /// Of the model as it came, the settings, the images and the sources.
    tuning: String,
}

#[derive(Serialize, Deserialize)]
struct Header {
    tuning: String,
    before: f64,
    epochs: Vec<Epoch>,
    steps: u64,
    lists: [usize; 4],
}

impl Checkpoint {
    pub(super) fn new(path: &Path, model: &Model, tuning: &Tuning, pupils: &[Pupil<'_>]) -> Result<Self, Error> {
        let failed =
            |source| Error::Model { what: "describing the model for", path: path.to_owned(), source: Box::new(source) };
        let mut hasher = Sha256::new();
        hasher.update(native::to_bytes(model).map_err(failed)?);
        hasher.update(serde_json::to_string(tuning).unwrap_or_default());
        for pupil in pupils {
            hasher.update(identity(pupil.images));
            let source = pupil.source.map(|source| native::to_bytes(source.model()).map_err(failed)).transpose()?;
            hasher.update(source.unwrap_or_default());
        }
        let tuning = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { path: path.to_owned(), tuning })
    }

    /// Writes how far the tuning has come, whole or not at all.
    pub(super) fn write(&self, state: &State) -> Result<(), Error> {
        let lists = state.lists();
        let header = Header {
            tuning: self.tuning.clone(),
            before: state.before,
            epochs: state.epochs.clone(),
            steps: state.steps(),
            lists: lists.map(<[f32]>::len),
        };
        let header = serde_json::to_vec(&header).unwrap_or_default();
        let mut bytes = MAGIC.to_vec();
        bytes.extend((header.len() as u64).to_le_bytes());
        bytes.extend(header);
        bytes.extend(lists.into_iter().flatten().flat_map(|number| number.to_le_bytes()));
        let digest = Sha256::digest(&bytes);
        bytes.extend(digest);
        let written = atomic::write(&self.path, |out| out.write_all(&bytes));
        written.map_err(|source| Error::Write { path: self.path.clone(), source })
    }

    /// How far the tuning has come.
    pub(super) fn read(&self) -> Result<State, Error> {
        let bad = |why: &str| Error::Checkpoint { path: self.path.clone(), why: why.to_owned() };
        let bytes = match std::fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(bad("there is none")),
            Err(error) => return Err(bad(&error.to_string())),
        };
        let damaged = || bad("it is damaged, or no checkpoint");
        let (content, digest) = bytes.split_last_chunk::<DIGEST>().ok_or_else(damaged)?;
        if content.get(..MAGIC.len()) != Some(MAGIC.as_slice()) || Sha256::digest(content).as_slice() != digest {
            return Err(damaged());
        }
        let (length, rest) = content[MAGIC.len()..].split_first_chunk::<8>().ok_or_else(damaged)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| damaged())?;
        let (header, numbers) = rest.split_at_checked(length).ok_or_else(damaged)?;
        let header: Header = serde_json::from_slice(header).map_err(|_| damaged())?;
        if header.tuning != self.tuning {
            return Err(bad("it is of another tuning: the model, the settings, the images or a source differ"));
        }
        let numbers: Vec<f32> = numbers.as_chunks::<4>().0.iter().map(|&word| f32::from_le_bytes(word)).collect();
        let mut rest = numbers.as_slice();
        let mut lists: [Vec<f32>; 4] = Default::default();
        for (list, length) in lists.iter_mut().zip(header.lists) {
            let (own, after) = rest.split_at_checked(length).ok_or_else(damaged)?;
            *list = own.to_vec();
            rest = after;
        }
        Ok(State::resumed(header.before, header.epochs, header.steps, lists))
    }

    /// It is needed no more; where it cannot be removed it does no harm.
    pub(super) fn remove(&self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
