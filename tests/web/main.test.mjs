// All tests, one after the other: each browser would have the processor to itself.
import './loads.mjs';
import './answers.mjs';
import './board.mjs';
import './without_network.mjs';
import './bad_input.mjs';
import './shapes.mjs';
import './names.mjs';
import './firefox.mjs';
