//! The compute shaders and the shapes of their work.

/// One WGSL file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub name: &'static str,
    text: &'static str,
}

/// What the shaders share.
const PARAMS: &str = include_str!("shaders/params.wgsl");
const NUMBERS: &str = include_str!("shaders/numbers.wgsl");
const ACTIVATION: &str = include_str!("shaders/activation.wgsl");
const GEMM: Source = Source { name: "gemm", text: include_str!("shaders/gemm.wgsl") };
const DIRECT: Source = Source { name: "direct", text: include_str!("shaders/direct.wgsl") };
const POINTWISE: Source = Source { name: "pointwise", text: include_str!("shaders/pointwise.wgsl") };
const LEAKY: Source = Source { name: "leaky", text: include_str!("shaders/leaky.wgsl") };
const PRODUCT: Source = Source { name: "product", text: include_str!("shaders/product.wgsl") };
const SELECT: Source = Source { name: "select", text: include_str!("shaders/select.wgsl") };
const POOL: Source = Source { name: "pool", text: include_str!("shaders/pool.wgsl") };
const REDUCE: Source = Source { name: "reduce", text: include_str!("shaders/reduce.wgsl") };

impl Source {
    /// The whole text of the module.
    pub(crate) fn text(self) -> String {
        [PARAMS, NUMBERS, ACTIVATION, self.text].concat()
    }
}

/// An entry point with the constants that it is specialised by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kernel {
    /// A matrix product; a workgroup of `side * side` invocations computes `4 * side` filters times `4 * side` columns.
    Gemm { side: u32 },
    /// A convolution, one invocation a number.
    Direct,
    /// BatchNorm, Normalize, Clamp, activations, Add.
    Pointwise,
    /// A leaky ReLU with a slope a channel.
    Leaky,
    /// A value times another one, or times a gate.
    Product,
    /// Channels moved.
    Moved,
    /// A max pool.
    Maximum,
    /// An average pool.
    Average,
    /// Means over planes, `lanes` invocations a sum.
    Mean { lanes: u32 },
    /// Sums and sums of squares over planes.
    Moments { lanes: u32 },
    /// Window sums.
    WindowSums { lanes: u32 },
}

impl Kernel {
    pub(crate) fn source(self) -> Source {
        match self {
            Self::Gemm { .. } => GEMM,
            Self::Direct => DIRECT,
            Self::Pointwise => POINTWISE,
            Self::Leaky => LEAKY,
            Self::Product => PRODUCT,
            Self::Moved => SELECT,
            Self::Maximum | Self::Average => POOL,
            Self::Mean { .. } | Self::Moments { .. } | Self::WindowSums { .. } => REDUCE,
        }
    }

    pub(crate) fn entry(self) -> &'static str {
        match self {
            Self::Gemm { .. } => "gemm",
            Self::Direct => "direct",
            Self::Pointwise => "pointwise",
            Self::Leaky => "leaky",
            Self::Product => "product",
            Self::Moved => "moved",
            Self::Maximum => "maximum",
            Self::Average => "average",
            Self::Mean { .. } => "mean",
            Self::Moments { .. } => "moments",
            Self::WindowSums { .. } => "window_sums",
        }
    }

    /// The pipeline's overridable constants.
    pub(crate) fn constants(self) -> Vec<(&'static str, f64)> {
        match self {
            Self::Gemm { side } => vec![("SIDE", f64::from(side))],
            Self::Mean { lanes } | Self::Moments { lanes } | Self::WindowSums { lanes } => {
                vec![("LANES", f64::from(lanes))]
            }
            _ => Vec::new(),
        }
    }
}

/// Numbers that an invocation of a plain kernel computes side by side with the others of its workgroup.
const INVOCATIONS: u64 = 64;
/// From this many full tiles on, the large tile keeps a device busy.
const BUSY: u64 = 128;

/// How much there is to do for one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// `numbers` that one invocation each computes.
    Numbers { kernel: Kernel, numbers: u64 },
    /// `sums` that `lanes` invocations each compute together.
    Sums { kernel: Kernel, lanes: u32, sums: u64 },
    /// A matrix product for each of `groups`.
    Product { groups: u64, filters: u64, positions: u64 },
}

impl Work {
    /// The kernel for a batch of `images`, and how many workgroups it takes.
    pub(crate) fn of(self, images: u64) -> (Kernel, u64) {
        match self {
            Self::Numbers { kernel, numbers } => (kernel, (images * numbers).div_ceil(INVOCATIONS)),
            Self::Sums { kernel, lanes, sums } => (kernel, (images * sums * u64::from(lanes)).div_ceil(INVOCATIONS)),
            Self::Product { groups, filters, positions } => {
                let tiles = |side: u32| {
                    let extent = 4 * u64::from(side);
                    groups * filters.div_ceil(extent) * (images * positions).div_ceil(extent)
                };
                let side = if filters > 32 && tiles(16) >= BUSY { 16 } else { 8 };
                (Kernel::Gemm { side }, tiles(side))
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use naga::valid::{Capabilities, ValidationFlags, Validator};

    const SIDES: [u32; 2] = [8, 16];
    const ALL: [Kernel; 11] = [
        Kernel::Gemm { side: SIDES[0] },
        Kernel::Direct,
        Kernel::Pointwise,
        Kernel::Leaky,
        Kernel::Product,
        Kernel::Moved,
        Kernel::Maximum,
        Kernel::Average,
        Kernel::Mean { lanes: 1 },
        Kernel::Moments { lanes: 8 },
        Kernel::WindowSums { lanes: 64 },
    ];

    /// The module of a file, without what no device need have.
    pub(crate) fn parsed(source: Source) -> naga::Module {
        let text = source.text();
        let module =
            naga::front::wgsl::parse_str(&text).unwrap_or_else(|error| panic!("{}", error.emit_to_string(&text)));
        let checked = Validator::new(ValidationFlags::all(), Capabilities::empty()).validate(&module);
        checked.unwrap_or_else(|error| panic!("{}: {}", source.name, error.emit_to_string(&text)));
        module
    }

    #[test]
    fn every_shader_is_valid() {
        for kernel in ALL {
            let module = parsed(kernel.source());
            let entries: Vec<&str> = module.entry_points.iter().map(|entry| entry.name.as_str()).collect();
            assert!(entries.contains(&kernel.entry()), "{kernel:?} among {entries:?}");
            for (constant, _) in kernel.constants() {
                let declared = module.overrides.iter().any(|(_, found)| found.name.as_deref() == Some(constant));
                assert!(declared, "{kernel:?} declares {constant}");
            }
        }
    }

    #[test]
    fn work_covers_everything() {
        let numbers = Work::Numbers { kernel: Kernel::Direct, numbers: 65 };
        assert_eq!(numbers.of(3), (Kernel::Direct, 4));
        let sums = Work::Sums { kernel: Kernel::Mean { lanes: 8 }, lanes: 8, sums: 9 };
        assert_eq!(sums.of(2), (Kernel::Mean { lanes: 8 }, 3));
        let product = Work::Product { groups: 2, filters: 33, positions: 10 };
        assert_eq!(product.of(7), (Kernel::Gemm { side: SIDES[0] }, 2 * 2 * 3));
        assert_eq!(product.of(1000), (Kernel::Gemm { side: SIDES[1] }, 2 * 157));
    }
}
