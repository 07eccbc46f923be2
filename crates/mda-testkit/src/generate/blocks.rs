//! The blocks between the images and the head: each turns a map into a map.

use super::builder::{Builder, Value};
use mda_core::op::{Add, BatchNorm, Concat, Conv2d, GlobalAvgPool, MaxPool, SelectChannels, Window};

/// Blocks that may widen a value one behind another; more would double it too often.
const MOST_GROWTH: usize = 2;

impl Builder<'_> {
    /// `depth` blocks behind `images`; answers every block's input and the last one's output, in order.
    pub(super) fn blocks(&mut self, images: Value, depth: usize) -> Vec<Value> {
        let mut values = vec![images];
        let mut growth = 0;
        for index in 0..depth {
            self.block = format!("layer{index}");
            let x = values[values.len() - 1].clone();
            let kind = match self.structure.below(20) {
                12..=17 if growth == MOST_GROWTH => 0,
                kind => kind,
            };
            growth = match kind {
                0..=2 => 0,
                12..=17 => growth + 1,
                _ => growth,
            };
            values.push(match kind {
                2 => self.grouped(&x),
                3 => self.activation(&x),
                4 => self.norm(&x),
                5 => self.pool(&x, false).unwrap_or(x),
                6 => self.pool(&x, true).unwrap_or(x),
                7 => self.select(&x),
                8 | 9 => self.residual(&x),
                10 => self.push("gap", GlobalAvgPool {}, &[&x]),
                11 => self.depthwise(&x, 1),
                12 => self.depthwise(&x, 2),
                13 | 14 => self.inception(&x),
                15 => self.dense(&x),
                16 => self.push("twice", Concat {}, &[&x, &x]),
                17 => self.long_skip(&x, &values),
                18 | 19 => self.gated(&x),
                _ => self.convolution(&x),
            });
        }
        values
    }

    fn convolution(&mut self, x: &Value) -> Value {
        let window = self.window();
        let conv = Conv2d { out_channels: self.width(), window, groups: 1, bias: self.structure.once_in(2) };
        let y = self.fitted("conv", conv, x);
        self.followed(&y)
    }

    /// A dense convolution that keeps the extents where `stride` is 1.
    pub(super) fn square(&mut self, x: &Value, out_channels: usize, kernel: usize, stride: usize) -> Value {
        let bias = self.structure.once_in(2);
        self.push("conv", Conv2d::dense(out_channels, kernel, stride, kernel / 2, bias), &[x])
    }

    fn depthwise(&mut self, x: &Value, multiplier: usize) -> Value {
        let (channels, window) = (x.shape.channels(), self.window());
        let bias = self.structure.once_in(2);
        let conv = Conv2d { out_channels: channels * multiplier, window, groups: channels, bias };
        let y = self.fitted("depthwise", conv, x);
        self.followed(&y)
    }

    fn grouped(&mut self, x: &Value) -> Value {
        let groups = self.structure.pick(&[2, 3]);
        let [inputs, out_channels] = [0, 1].map(|_| self.grouped_width(groups));
        let x = self.square(x, inputs, 1, 1);
        let window = self.window();
        let conv = Conv2d { out_channels, window, groups, bias: self.structure.once_in(2) };
        let y = self.fitted("grouped", conv, &x);
        self.followed(&y)
    }

    /// What usually stands behind a convolution or a linear layer.
    pub(super) fn followed(&mut self, x: &Value) -> Value {
        match self.structure.below(4) {
            1 => self.activation(x),
            2 => self.batch_norm(x),
            3 => {
                let normed = self.batch_norm(x);
                self.activation(&normed)
            }
            _ => x.clone(),
        }
    }

    fn batch_norm(&mut self, x: &Value) -> Value {
        let eps = self.structure.pick(&[1e-5, 1e-3]);
        self.push("bn", BatchNorm { eps }, &[x])
    }

    pub(super) fn norm(&mut self, x: &Value) -> Value {
        if self.structure.once_in(4) { self.normalize(x) } else { self.batch_norm(x) }
    }

    /// A permutation, a free choice, or a choice with zeros between.
    pub(super) fn select(&mut self, x: &Value) -> Value {
        let available = x.shape.channels();
        let channels = match self.structure.below(3) {
            0 => {
                let mut order: Vec<usize> = (0..available).collect();
                for last in (1..available).rev() {
                    order.swap(last, self.below(last + 1));
                }
                order.into_iter().map(Some).collect()
            }
            1 => (0..self.width()).map(|_| Some(self.below(available))).collect(),
            _ => (0..self.width()).map(|_| Some(self.below(available)).filter(|_| self.below(3) < 2)).collect(),
        };
        self.push("select", SelectChannels { channels }, &[x])
    }

    /// A sum of a branch of two convolutions, a shortcut (identity, projection, or channels padded with zeros) and
    /// sometimes a third summand.
    fn residual(&mut self, x: &Value) -> Value {
        let shortcut = self.structure.below(3);
        let stride = if shortcut == 0 { 1 } else { self.structure.pick(&[1, 2]) };
        let width = if shortcut == 0 { x.shape.channels() } else { self.width() };
        let middle = self.width();
        let middle = self.square(x, middle, 3, stride);
        let middle = self.followed(&middle);
        let kernel = self.structure.pick(&[1, 3]);
        let branch = self.square(&middle, width, kernel, 1);
        let shortcut = match shortcut {
            0 => x.clone(),
            1 => {
                let projected = self.square(x, width, 1, stride);
                self.norm(&projected)
            }
            _ => self.padded(x, width, stride),
        };
        let sum = match self.structure.below(4) {
            0 => self.push("add", Add {}, &[&branch, &shortcut]),
            1 => self.push("add", Add {}, &[&shortcut, &branch]),
            2 => self.push("add", Add {}, &[&shortcut, &branch, &shortcut]),
            _ => {
                let third = self.square(x, width, 1, stride);
                self.push("add", Add {}, &[&branch, &shortcut, &third])
            }
        };
        self.followed(&sum)
    }

    /// The parameter-free shortcut of CIFAR ResNets: every `stride`-th position, missing channels zero.
    fn padded(&mut self, x: &Value, width: usize, stride: usize) -> Value {
        let strided = self.push("stride", MaxPool { window: Window::square(1, stride, 0), ceil_mode: false }, &[x]);
        let channels = (0..width).map(|c| Some(c).filter(|&c| c < x.shape.channels())).collect();
        self.push("pad", SelectChannels { channels }, &[&strided])
    }

    /// Branches of different depth over one value, concatenated; sometimes the value itself among them.
    fn inception(&mut self, x: &Value) -> Value {
        let width = self.width();
        let mut branches = vec![self.square(x, width, 1, 1)];
        let [reduced, wide] = [self.width(), self.width()];
        let reduced = self.square(x, reduced, 1, 1);
        let reduced = self.followed(&reduced);
        branches.push(self.square(&reduced, wide, 3, 1));
        if self.structure.once_in(2) {
            let pooled = self.push("maxpool", MaxPool { window: Window::square(3, 1, 1), ceil_mode: false }, &[x]);
            let width = self.width();
            branches.push(self.square(&pooled, width, 1, 1));
        }
        if self.structure.once_in(2) {
            branches.insert(self.structure.pick(&[0, 1]), x.clone());
        }
        let joined = self.push("concat", Concat {}, &branches.iter().collect::<Vec<_>>());
        self.followed(&joined)
    }

    /// Two or three layers that each see all values before them and add a few channels.
    fn dense(&mut self, x: &Value) -> Value {
        let mut values = vec![x.clone()];
        for _ in 0..self.structure.pick(&[2, 3]) {
            let all = self.push("concat", Concat {}, &values.iter().collect::<Vec<_>>());
            let all = self.followed(&all);
            let width = self.width();
            values.push(self.square(&all, width, 3, 1));
        }
        self.push("concat", Concat {}, &values.iter().collect::<Vec<_>>())
    }

    /// An earlier block's value of the same extents joins again: concatenated, or projected and added.
    fn long_skip(&mut self, x: &Value, earlier: &[Value]) -> Value {
        let same = |value: &&Value| value.shape.spatial() == x.shape.spatial() && value.name != x.name;
        let Some(skipped) = earlier.iter().find(same) else {
            return self.convolution(x);
        };
        if self.structure.once_in(2) {
            let projected = self.square(skipped, x.shape.channels(), 1, 1);
            self.push("add", Add {}, &[x, &projected])
        } else {
            self.push("concat", Concat {}, &[x, skipped])
        }
    }
}
