// Its own file, so that the page can forbid scripts within it.
import init from "./picket.js";

init().catch((error) => {
  document.getElementById("loading").textContent = "The playground cannot start: " + error;
});
