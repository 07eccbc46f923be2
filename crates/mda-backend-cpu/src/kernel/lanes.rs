//! One register's worth of numbers: what the micro-kernels are written over, once for all instruction sets.

/// Some numbers that one instruction handles. The type is plain memory; only its operations need the instruction set.
///
/// Every operation asks of its caller that the processor has the instruction set, and that what pointers point at is
/// there: `LANES` numbers, or the first `count` of them.
pub(crate) trait Lanes: Copy {
    /// How many numbers.
    const LANES: usize;

    /// `x` in every lane.
    ///
    /// # Safety
    /// As the trait says.
    unsafe fn splat(x: f32) -> Self;

    /// The numbers from `from` on.
    ///
    /// # Safety
    /// As the trait says.
    unsafe fn load(from: *const f32) -> Self;

    /// Writes all numbers.
    ///
    /// # Safety
    /// As the trait says.
    unsafe fn store(self, to: *mut f32);

    /// `self * b + c`, as [`super::Simd::multiply_add`] rounds it.
    ///
    /// # Safety
    /// As the trait says.
    unsafe fn multiply_add(self, b: Self, c: Self) -> Self;

    /// `self + other`.
    ///
    /// # Safety
    /// As the trait says.
    unsafe fn add(self, other: Self) -> Self;

    /// Not below `low` and not above `high`; NaN stays NaN.
    ///
    /// # Safety
    /// As the trait says.
    unsafe fn clamp(self, low: Self, high: Self) -> Self;

    /// Asks for what `from` points at, which need not exist.
    ///
    /// # Safety
    /// As the trait says.
    #[inline(always)]
    unsafe fn prefetch(_from: *const f32) {}

    /// The first `count` numbers from `from` on, and anything behind them.
    ///
    /// # Safety
    /// As the trait says.
    #[inline(always)]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        let mut numbers = [0.0; super::MAX_COLUMNS];
        // SAFETY: `count` is at most `LANES`, which the array has room for.
        unsafe {
            std::ptr::copy_nonoverlapping(from, numbers.as_mut_ptr(), count);
            Self::load(numbers.as_ptr())
        }
    }

    /// Writes the first `count` numbers.
    ///
    /// # Safety
    /// As the trait says.
    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        let mut numbers = [0.0; super::MAX_COLUMNS];
        // SAFETY: `count` is at most `LANES`, which the array has room for.
        unsafe {
            self.store(numbers.as_mut_ptr());
            std::ptr::copy_nonoverlapping(numbers.as_ptr(), to, count);
        }
    }
}
