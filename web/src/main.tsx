/** Where the page begins. */
import { render } from "preact";
import { App } from "./App";
import "./style/tokens.css";
import "./style/base.css";
import "./style/layout.css";
import "./style/parts.css";
import "./style/charts.css";
import "./style/pages.css";
import "./style/print.css";

const root = document.getElementById("page");
if (root !== null) render(<App />, root);
