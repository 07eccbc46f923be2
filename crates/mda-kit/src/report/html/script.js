'use strict';
const tip = document.getElementById('tip');
const sheet = document.body.dataset;
const tile = index => {
  const size = 56 / Math.max(sheet.high, sheet.wide);
  const box = document.createElement('span');
  box.className = 'tile train';
  box.style.cssText = `width:${sheet.wide * size}px;height:${sheet.high * size}px;` +
    `background-size:${sheet.wide * sheet.across * size}px auto;` +
    `background-position:${-(index % sheet.across) * sheet.wide * size}px ${-Math.floor(index / sheet.across) * sheet.high * size}px`;
  return box;
};
const show = (mark, x, y) => {
  tip.textContent = mark.dataset.tip;
  if (mark.dataset.tiles) {
    const row = document.createElement('div');
    mark.dataset.tiles.split(',').forEach(index => row.append(tile(index)));
    tip.append(row);
  }
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(6, Math.min(x + 14, innerWidth - width - 6))}px`;
  tip.style.top = `${y + 16 + height > innerHeight ? Math.max(6, y - height - 12) : y + 16}px`;
};
const hide = () => { tip.hidden = true; };
const marked = event => event.target.closest && event.target.closest('[data-tip]');
document.addEventListener('pointermove', event => {
  const mark = marked(event);
  if (mark) show(mark, event.clientX, event.clientY); else hide();
});
document.addEventListener('pointerdown', event => { const mark = marked(event); if (mark) show(mark, event.clientX, event.clientY); });
document.addEventListener('focusin', event => {
  const mark = marked(event);
  if (mark) { const box = mark.getBoundingClientRect(); show(mark, box.right, box.top); }
});
document.addEventListener('focusout', hide);
document.addEventListener('scroll', hide, true);
document.querySelectorAll('.tabs').forEach(tabs => {
  const buttons = [...tabs.querySelectorAll('button')];
  const choose = chosen => buttons.forEach(button => {
    const is = button === chosen;
    button.setAttribute('aria-selected', is);
    document.getElementById(button.dataset.panel).hidden = !is;
  });
  buttons.forEach(button => button.addEventListener('click', () => choose(button)));
  choose(buttons[0]);
});
addEventListener('beforeprint', () => document.querySelectorAll('details').forEach(one => { one.open = true; }));
