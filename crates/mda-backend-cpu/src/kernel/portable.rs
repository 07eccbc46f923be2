//! The path for every processor: plain Rust that the compiler vectorises for the baseline of its target.

use super::Simd;

/// Whatever the compiler's target guarantees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portable;

const ROWS: usize = 4;
const COLUMNS: usize = 8;

impl Simd for Portable {
    const NAME: &'static str = "portable";
    const ROWS: usize = ROWS;
    const COLUMNS: usize = COLUMNS;

    fn vectorize<R>(self, f: impl FnOnce() -> R) -> R {
        f()
    }

    #[inline(always)]
    fn multiply_add(self, a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }

    fn multiply(self, a: &[f32], b: &[f32], tile: &mut [f32], accumulate: bool) {
        assert!(a.len() / ROWS == b.len() / COLUMNS && tile.len() == Self::TILE, "panels of one depth and one tile");
        // Eight accumulators of four lanes: what the sixteen registers of SSE2 hold beside the operands.
        let mut sums = [[0.0f32; COLUMNS]; ROWS];
        if accumulate {
            for (sums, row) in sums.iter_mut().zip(tile.chunks_exact(COLUMNS)) {
                sums.copy_from_slice(row);
            }
        }
        for (a, b) in a.chunks_exact(ROWS).zip(b.chunks_exact(COLUMNS)) {
            for (sums, &a) in sums.iter_mut().zip(a) {
                for (sum, &b) in sums.iter_mut().zip(b) {
                    *sum += a * b;
                }
            }
        }
        tile.copy_from_slice(sums.as_flattened());
    }
}
