import { render } from "preact";
import "@picocss/pico/css/pico.min.css";
import "./style.css";
import "./operate/operate.css";
import "./overview/overview.css";
import "./jobs/jobs.css";
import { App } from "./app.tsx";
import { startLink } from "./relay/client.ts";
import { startRouter } from "./router.ts";
import { resume } from "./session/session.ts";

const root = document.getElementById("app") as HTMLElement;
startRouter();
startLink();
void resume();
root.textContent = "";
render(<App />, root);
