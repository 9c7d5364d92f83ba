// SPDX-License-Identifier: MIT OR Apache-2.0
// The serial line at the bit: a transmitter and a receiver whose clocks are 2 % apart, either way; random bytes back to back and
// with pauses. Then bits that no transmitter sends: a short dip is no byte, a byte without its stop bit is dropped, and the next
// one is received.
`default_nettype none

module uart_bench;

  localparam int DIVIDER = 20;
  localparam int BYTES = 4000;

  logic sent_clk = 1'b0, received_clk = 1'b0, rst = 1'b1;
  int received_half = 500;

  always #500 sent_clk = ~sent_clk;
  always #(received_half) received_clk = ~received_clk;

  logic in_valid = 1'b0, in_ready, sent_line, forced = 1'b1, is_forced = 1'b0, out_valid, line;
  logic [7:0] in_data = 8'd0, out_data;

  assign line = is_forced ? forced : sent_line;

  ernscope_uart_transmitter #(.DIVIDER(DIVIDER)) u_transmitter (.clk(sent_clk), .rst, .in_valid, .in_ready, .in_data, .line(sent_line));
  ernscope_uart_receiver #(.DIVIDER(DIVIDER)) u_receiver (.clk(received_clk), .rst, .line, .out_valid, .out_data);

  logic [7:0] expected [$];
  int received = 0;

  always @(posedge received_clk) begin
    if (!rst && out_valid) begin
      if (expected.size() == 0) $fatal(1, "a byte %h that nobody sent", out_data);
      if (out_data != expected[0]) $fatal(1, "byte %0d is %h, sent was %h", received, out_data, expected[0]);
      void'(expected.pop_front());
      received++;
    end
  end

  task automatic send(logic [7:0] data);
    @(negedge sent_clk);
    while (!in_ready) @(negedge sent_clk);
    in_valid = 1'b1;
    in_data = data;
    expected.push_back(data);
    @(negedge sent_clk);
    in_valid = 1'b0;
  endtask

  task automatic send_many;
    for (int i = 0; i < BYTES; i++) begin
      send(8'($urandom));
      if ($urandom_range(9) == 0) repeat ($urandom_range(400)) @(posedge sent_clk);
    end
    repeat (20 * DIVIDER) @(posedge sent_clk);
    if (expected.size() != 0) $fatal(1, "%0d bytes did not come", expected.size());
  endtask

  // A start bit, eight bits, and a level where the stop bit should be.
  task automatic force_byte(logic [7:0] data, logic stop);
    is_forced = 1'b1;
    for (int i = 0; i < 10; i++) begin
      forced = (i == 0) ? 1'b0 : (i == 9) ? stop : data[i - 1];
      #(DIVIDER * 1000);
    end
    forced = 1'b1;
    #(20 * DIVIDER * 1000);
    is_forced = 1'b0;
  endtask

  initial begin
    repeat (8) @(negedge sent_clk);
    rst = 1'b0;
    repeat (8) @(negedge sent_clk);
    send_many();
    received_half = 490;
    send_many();
    received_half = 510;
    send_many();
    received_half = 500;
    is_forced = 1'b1;
    forced = 1'b0;
    #(DIVIDER * 300);
    forced = 1'b1;
    #(20 * DIVIDER * 1000);
    force_byte(8'hff, 1'b0);
    expected.push_back(8'h5a);
    force_byte(8'h5a, 1'b1);
    if (expected.size() != 0) $fatal(1, "the byte behind a broken one did not come");
    send_many();
    $display("uart: %0d bytes across clocks that are 2 %% apart, broken ones dropped", received);
    $finish;
  end

endmodule

`default_nettype wire
