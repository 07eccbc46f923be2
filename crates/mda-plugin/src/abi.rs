//! What crosses the boundary: `repr(C)` structs and C functions.
//!
//! - A library exports one symbol, [`ENTRY`], which answers its table of functions, [`Plugin`].
//! - [`MAJOR`] changes when something here changes its meaning, its type or its place. Different ones refuse each other.
//! - [`MINOR`] grows when fields are appended to structs that begin with their own `size`: [`Plugin`], [`Host`], [`Compile`],
//!   [`Run`], [`Sink`] and [`Failure`]. An appended field is a function, a pointer or a number, and null or zero means what
//!   was meant before it was there. The other structs never change within a major version.
//! - A struct with a `size` is read as far as the newest version that ends within it. What lies behind is absent: null or
//!   zero. What is longer is read as far as it is known. What is shorter than in version 1.0 is refused.
//! - Functions of version 1.0 must be there. Later ones may be absent from a table of any version: the backend then lacks
//!   what they are for, which is said where it is asked for.
//! - New numbers of [`Code`] count as [`Code::Failed`] where they are not known. A host uses new kinds of [`Probe`] with
//!   plugins of the [`MINOR`] that brought them only.
//! - Every function answers null, or a [`Failure`] that the caller hands to the failure's own `free`.
//! - Handles are opaque. The side that made one frees it. The host frees sessions before their program, and programs before
//!   their backend.
//! - The host allocates what is written to. What it passes is valid until the call returns, and the guest keeps no pointer.
//! - Backends and programs are called from any threads, several at once; a session by one thread at a time.
//! - No function unwinds.

use crate::growing::growing;
use std::ffi::{CStr, c_void};

/// The name of the exported symbol; an [`Entry`].
pub const ENTRY: &CStr = c"mda_plugin_entry_v1";
/// Plugins and hosts of different major versions do not work together.
pub const MAJOR: u32 = 1;
/// How often the structs of this major version have been appended to.
pub const MINOR: u32 = 0;

/// The exported function: the plugin's table, which lives as long as the process.
pub type Entry = unsafe extern "C" fn() -> *const Plugin;

/// Bytes of the caller. Text is UTF-8 without a final zero. A null `data` is an absent text.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Bytes {
    /// The first byte.
    pub data: *const u8,
    /// How many there are.
    pub len: usize,
}

/// What a plugin's table, and what it is told of its host, begin with in every version.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Head {
    size: usize,
    pub(crate) major: u32,
    pub(crate) minor: u32,
}

/// A plugin's functions.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Plugin {
    /// Bytes of this struct.
    pub size: usize,
    /// [`MAJOR`] of the interface that the plugin was built for.
    pub major: u32,
    /// [`MINOR`] of the interface that the plugin was built for.
    pub minor: u32,
    /// Makes the backend.
    pub create: Option<unsafe extern "C" fn(host: *const Host, backend: *mut *mut Backend) -> *mut Failure>,
    /// Frees the backend.
    pub free_backend: Option<unsafe extern "C" fn(*mut Backend) -> *mut Failure>,
    /// Puts one pair: the name that selects the backend, and the plugin's version.
    pub identity: Option<unsafe extern "C" fn(*const Backend, *const Sink) -> *mut Failure>,
    /// Puts a pair a device: its name and what it is; the default first.
    pub devices: Option<unsafe extern "C" fn(*const Backend, *const Sink) -> *mut Failure>,
    /// Puts at most one pair: what the backend does not find here, and an empty text.
    pub unavailable: Option<unsafe extern "C" fn(*const Backend, *const Sink) -> *mut Failure>,
    /// Puts a pair a node that it cannot run: its name and why. The bytes are a native model file.
    pub unsupported: Option<unsafe extern "C" fn(*const Backend, model: Bytes, *const Sink) -> *mut Failure>,
    /// Makes a program.
    pub compile:
        Option<unsafe extern "C" fn(*const Backend, *const Compile, program: *mut *mut Program) -> *mut Failure>,
    /// Frees a program.
    pub free_program: Option<unsafe extern "C" fn(*mut Program) -> *mut Failure>,
    /// Makes a session.
    pub session: Option<unsafe extern "C" fn(*const Program, session: *mut *mut Session) -> *mut Failure>,
    /// Frees a session.
    pub free_session: Option<unsafe extern "C" fn(*mut Session) -> *mut Failure>,
    /// Runs a batch.
    pub run: Option<unsafe extern "C" fn(*mut Session, *const Run) -> *mut Failure>,
}

/// What the plugin may know of its host.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Host {
    /// Bytes of this struct.
    pub size: usize,
    /// [`MAJOR`] of the host.
    pub major: u32,
    /// [`MINOR`] of the host.
    pub minor: u32,
    /// How many threads the plugin should compute with; 0 for as many as it likes.
    pub threads: usize,
}

/// What a model is compiled for.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Compile {
    /// Bytes of this struct.
    pub size: usize,
    /// A native model file.
    pub model: Bytes,
    /// The name of a device; absent for the default.
    pub device: Bytes,
    /// The probes.
    pub probes: *const Probe,
    /// How many there are.
    pub probe_count: usize,
    /// Takes what belongs to a failure: nodes and reasons with [`Code::Unsupported`], the names of the devices that there
    /// are, each with an empty text, with [`Code::NoDevice`].
    pub details: *const Sink,
}

/// Something to observe at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Probe {
    /// 0 `WindowSum`, 1 `Input`, 2 `Value`, 3 `Moments`.
    pub kind: u32,
    /// Zero.
    pub reserved: u32,
    /// The position of the node in the model's graph.
    pub node: u64,
}

/// A batch, and where its answers go.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Run {
    /// Bytes of this struct.
    pub size: usize,
    /// Images, channels, rows, columns.
    pub shape: [usize; 4],
    /// The images, row-major.
    pub images: *const f32,
    /// The logits, then every probe.
    pub outputs: *mut Output,
    /// How many there are.
    pub output_count: usize,
}

/// Room for one tensor, row-major.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Output {
    /// The first number.
    pub data: *mut f32,
    /// How many the host expects.
    pub len: usize,
    /// How many the guest has; it writes them only where that is `len`.
    pub written: usize,
}

/// Where a guest puts pairs of texts; the host copies them.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Sink {
    /// Bytes of this struct.
    pub size: usize,
    /// The host's own.
    pub context: *mut c_void,
    /// Takes one pair.
    pub put: unsafe extern "C" fn(context: *mut c_void, first: Bytes, second: Bytes),
}

/// Why a function did not do what it was asked.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Failure {
    /// Bytes of this struct.
    pub size: usize,
    /// A [`Code`].
    pub code: u32,
    /// Zero.
    pub reserved: u32,
    /// With [`Code::BadProbe`] the position of the probe.
    pub detail: u64,
    /// What went wrong, UTF-8.
    pub text: Bytes,
    /// Frees the failure and its text.
    pub free: Option<unsafe extern "C" fn(*mut Failure)>,
}

/// What kind of failure it is; unknown numbers count as [`Code::Failed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Code {
    /// Anything else, in the backend's words.
    Failed = 1,
    /// The model has nodes that the backend does not run.
    Unsupported = 2,
    /// There is no such device.
    NoDevice = 3,
    /// A probe that does not fit; the text is the reason.
    BadProbe = 4,
    /// A batch of the wrong shape.
    BadBatch = 5,
    /// The plugin panicked.
    Panicked = 6,
    /// The call breaks the rules of this interface.
    BadCall = 7,
}

impl Code {
    /// The code of that number.
    pub fn from_number(number: u32) -> Self {
        let known = [Self::Unsupported, Self::NoDevice, Self::BadProbe, Self::BadBatch, Self::Panicked, Self::BadCall];
        known.into_iter().find(|&code| code as u32 == number).unwrap_or(Self::Failed)
    }
}

/// A backend in the guest.
#[derive(Debug)]
#[repr(C)]
pub struct Backend {
    opaque: [u8; 0],
}

/// A program in the guest.
#[derive(Debug)]
#[repr(C)]
pub struct Program {
    opaque: [u8; 0],
}

/// A session in the guest.
#[derive(Debug)]
#[repr(C)]
pub struct Session {
    opaque: [u8; 0],
}

// The last field of version 1.0, then that of every version that appended to the struct.
growing! {
    Head: minor;
    Plugin: run;
    Host: threads;
    Compile: details;
    Run: output_count;
    Sink: put;
    Failure: free;
}

impl Bytes {
    /// No text.
    pub const ABSENT: Self = Self { data: std::ptr::null(), len: 0 };

    /// Bytes that live elsewhere.
    pub fn of(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr(), len: bytes.len() }
    }
}
