import { accept, refuse } from "../../protocol/reason.ts";
import { change, type Method, type Parameter } from "./method.ts";
import { text } from "./parameters.ts";

/** What the relay says about itself in NIP-11. The empty string brings back what is configured. */
export const settingMethods: Record<string, Method> = {
  changerelayname: setting("name", text("the name", 200)),
  changerelaydescription: setting("description", text("the description", 5000)),
  changerelayicon: setting("icon", webUrl),
};

function setting(name: "name" | "description" | "icon", parameter: Parameter<string>): Method {
  return change([parameter], ({ access: { lists } }, value) => {
    if (value === "") lists.remove("setting", name);
    else lists.put("setting", name, value);
    return undefined;
  });
}

function webUrl(value: unknown): ReturnType<Parameter<string>> {
  const url = text("the icon", 2000)(value);
  if (!url.ok || url.value === "") return url;
  const protocol = URL.parse(url.value)?.protocol;
  return protocol === "https:" || protocol === "http:"
    ? accept(url.value)
    : refuse("invalid: the icon must be an http:// or https:// URL");
}
