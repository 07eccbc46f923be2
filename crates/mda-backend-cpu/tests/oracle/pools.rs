//! Pools against the oracle.

use crate::check::{agrees, single};
use mda_core::op::{AvgPool, GlobalAvgPool, MaxPool, Padding, Window};

fn windows() -> Vec<Window> {
    let uneven = Padding { top: 1, left: 0, bottom: 0, right: 1 };
    let mut windows = vec![Window::square(2, 2, 0), Window::square(3, 2, 1), Window::square(1, 1, 0)];
    for kernel in [[2, 2], [3, 2], [2, 5], [5, 5]] {
        for stride in [[1, 1], [2, 3], [3, 2]] {
            windows.push(Window { kernel, stride, padding: uneven, dilation: [1, 1] });
        }
    }
    windows
}

#[test]
fn maximum() {
    for extents in [[8, 8], [7, 9], [5, 6]] {
        for window in windows() {
            for ceil_mode in [false, true] {
                agrees(&single([3, extents[0], extents[1]], MaxPool { window, ceil_mode }), &[], &[1, 3]);
            }
        }
    }
    let window = Window { dilation: [2, 3], ..Window::square(2, 1, 1) };
    agrees(&single([3, 8, 9], MaxPool { window, ceil_mode: false }), &[], &[2]);
}

#[test]
fn average() {
    for extents in [[8, 8], [7, 9], [5, 6]] {
        for window in windows() {
            for (ceil_mode, count_include_pad) in [(false, false), (false, true), (true, false), (true, true)] {
                let pool = AvgPool { window, ceil_mode, count_include_pad };
                agrees(&single([3, extents[0], extents[1]], pool), &[], &[1, 3]);
            }
        }
    }
}

#[test]
fn global_average() {
    agrees(&single([5, 7, 3], GlobalAvgPool {}), &[], &[1, 7, 64]);
}
