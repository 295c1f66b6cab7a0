// What a reader's eye and thumb meet: run in the page, returns what is wrong as text.
(() => {
  const channels = (text) => {
    const numbers = (text.match(/-?[\d.]+/g) ?? []).map(Number);
    const [r = 0, g = 0, b = 0, a = 1] = numbers;
    return text.startsWith("color(srgb") ? [r * 255, g * 255, b * 255, a] : [r, g, b, a];
  };
  const over = (top, under) => {
    const a = top[3];
    return [0, 1, 2].map((i) => top[i] * a + under[i] * (1 - a)).concat(1);
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const layers = [];
    for (let at = element; at !== null; at = at.parentElement) layers.push(channels(getComputedStyle(at).backgroundColor));
    let found = [255, 255, 255, 1];
    for (const layer of layers.reverse()) found = over(layer, found);
    return found;
  };
  const seen = (element) => {
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    return box.width > 1 && box.height > 1 && style.visibility !== "hidden" && style.display !== "none" && style.opacity !== "0";
  };
  const said = (node) => node.textContent.replace(/\s+/g, " ").trim();

  const texts = () => {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      if (element !== null && said(walker.currentNode) !== "" && seen(element)) found.push([walker.currentNode, element]);
    }
    return found;
  };

  const contrast = () => {
    const wrong = new Set();
    for (const [node, element] of texts()) {
      if (element.closest(":disabled, .visually-hidden") !== null) continue;
      const style = getComputedStyle(element);
      const paper = behind(element);
      const ink = over(channels(style.color), paper);
      const [light, dark] = [luminance(ink), luminance(paper)].sort((a, b) => b - a);
      const ratio = (light + 0.05) / (dark + 0.05);
      const size = parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      if (ratio < (large ? 3 : 4.5)) wrong.add(`${ratio.toFixed(2)} "${said(node).slice(0, 30)}" ${style.color}`);
    }
    return [...wrong];
  };

  // Names that people gave, keys, topics and raw messages belong to no language.
  const untranslated = (language, names) => {
    const wrong = new Set();
    for (const [node, element] of texts()) {
      if (element.closest("code, pre, .brand, [lang], .switches, option, select") !== document.documentElement) {
        if (element.closest("code, pre, .brand, .switches, option, select") !== null) continue;
        if (element.closest("[lang]") !== document.documentElement) continue;
      }
      let text = said(node);
      for (const name of names) text = text.replaceAll(name, "");
      if (language === "en" ? /[\u3400-\u9fff]/.test(text) : /[A-Za-z]{3,} [a-z]{2,}/.test(text)) wrong.add(said(node));
    }
    return [...wrong];
  };

  const narrow = (least) => {
    const wrong = [];
    for (const element of document.querySelectorAll("main button, main .button, main select, main input, main summary, .bottom a, .bottom button")) {
      if (!seen(element) || element.closest("details:not([open])") !== null && element.tagName !== "SUMMARY") continue;
      if (element.tagName === "SUMMARY" || element.classList.contains("link")) continue;
      const box = element.getBoundingClientRect();
      if (box.height < least - 0.5) wrong.push(`${Math.round(box.height)} px: ${said(element).slice(0, 30) || element.tagName}`);
    }
    return wrong;
  };

  // In one column, what comes next by Tab is not above what came before.
  const jumps = () => {
    const wrong = [];
    let before = -Infinity;
    for (const element of document.querySelectorAll("main a[href], main button, main input, main select, main textarea, main summary, main [tabindex='0']")) {
      if (!seen(element) || element.disabled) continue;
      const box = element.getBoundingClientRect();
      if (box.bottom <= before - 4) wrong.push(said(element).slice(0, 30) || element.tagName);
      before = box.top;
    }
    return wrong;
  };
  window.reading = { contrast, untranslated, narrow, jumps };
})();
