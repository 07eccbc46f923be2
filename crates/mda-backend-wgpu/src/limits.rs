//! What a device allows, and what a session aims to stay within.

use crate::params::Params;

/// Bytes of buffers that a session aims to stay within, by running a large batch in several parts.
const SESSION_BYTES: u64 = 256 << 20;
/// Shaders count bytes and numbers in 32 bits, with a sign.
const COUNTABLE_BYTES: u64 = 1 << 31;

/// The limits that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Bytes of one buffer that a shader sees.
    pub bytes: u64,
    /// Bytes of any buffer, and of all weights and tables of a model together: what no buffer could hold is more than a
    /// device need have, and drivers tell no more of its memory.
    pub buffer: u64,
    /// Workgroups along one axis of a dispatch.
    pub workgroups: u32,
    /// What the start of a uniform buffer is a multiple of.
    pub alignment: u64,
}

impl Limits {
    pub(crate) fn of(limits: &wgpu::Limits) -> Self {
        let bytes = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
        Self {
            bytes: bytes.min(COUNTABLE_BYTES) & !15,
            buffer: limits.max_buffer_size,
            workgroups: limits.max_compute_workgroups_per_dimension,
            alignment: u64::from(limits.min_uniform_buffer_offset_alignment),
        }
    }

    /// Whether the kernels fit at all.
    pub(crate) fn suffice(limits: &wgpu::Limits) -> bool {
        limits.max_storage_buffers_per_shader_stage >= 6
            && limits.max_compute_invocations_per_workgroup >= 256
            && limits.max_compute_workgroup_size_x >= 64
            && limits.max_compute_workgroup_size_y >= 16
            && limits.max_compute_workgroup_storage_size >= 8192
            && limits.max_uniform_buffer_binding_size >= size_of::<Params>() as u64
    }

    /// Images in each part of a batch of `count`, where the largest buffer needs `largest` and all together need `all`
    /// bytes an image; the parts are as equal as they can be.
    pub(crate) fn part(self, count: usize, largest: u64, all: u64) -> usize {
        let most = (self.bytes / largest.max(1)).min(SESSION_BYTES / all.max(1)).max(1);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        count.div_ceil(count.div_ceil(most))
    }

    /// From one dispatch's parameters to the next one's.
    pub(crate) fn params_stride(self) -> u64 {
        (size_of::<Params>() as u64).next_multiple_of(self.alignment)
    }

    /// The extents of a dispatch of at least `count` workgroups.
    pub(crate) fn grid(self, count: u64) -> [u32; 2] {
        let axis = u64::from(self.workgroups);
        let rows = count.div_ceil(axis).max(1);
        // The columns are at most the axis; the rows would exceed theirs only for buffers that no device has.
        [count.div_ceil(rows) as u32, rows as u32]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Limits = Limits { bytes: 128 << 20, buffer: 256 << 20, workgroups: 65_535, alignment: 256 };

    #[test]
    fn parts_are_equal_and_fit() {
        assert_eq!(SMALL.part(64, 1 << 10, 1 << 12), 64);
        assert_eq!(SMALL.part(64, 12 << 20, 13 << 20), 10);
        assert_eq!(SMALL.part(12, 12 << 20, 13 << 20), 6);
        assert_eq!(SMALL.part(3, 128 << 20, 512 << 20), 1);
    }

    #[test]
    fn grids_cover_all_workgroups() {
        for count in [1, 65_535, 65_536, 1_000_003, 65_535 * 65_535] {
            let [columns, rows] = SMALL.grid(count).map(u64::from);
            assert!(
                columns * rows >= count && columns <= 65_535 && rows <= 65_535 && columns * rows < count + rows,
                "{count}"
            );
        }
    }
}
