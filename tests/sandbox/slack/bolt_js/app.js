// A Bolt for JavaScript app that uses what most apps use, over Socket Mode. It writes what it
// hears to standard output, one JSON value a line. The test beside it plays the people.
import bolt from "@slack/bolt";

const { App, LogLevel } = bolt;
const heard = (what, detail) => console.log(JSON.stringify({ what, detail }));
const app = new App({
  token: process.env.SLACK_BOT_TOKEN,
  appToken: process.env.SLACK_APP_TOKEN,
  socketMode: true,
  clientOptions: { slackApiUrl: process.env.SLACK_API_URL },
  logLevel: LogLevel.ERROR,
});
const plain = (text) => ({ type: "plain_text", text });

app.command("/incident", async ({ ack, command, respond, client }) => {
  await ack();
  heard("command", command.text);
  await respond(`looking at ${command.text}`);
  const posted = await client.chat.postMessage({
    channel: command.channel_id,
    text: "a card",
    blocks: [
      {
        type: "actions",
        elements: [
          { type: "button", action_id: "open", text: plain("Open"), value: "7" },
          { type: "external_select", action_id: "which", min_query_length: 0 },
        ],
      },
    ],
  });
  heard("posted", posted.ts);
});

app.action("open", async ({ ack, body, client }) => {
  await ack();
  const input = { type: "plain_text_input", action_id: "why" };
  await client.views.open({
    trigger_id: body.trigger_id,
    view: {
      type: "modal",
      callback_id: "reason",
      title: plain("Why?"),
      submit: plain("Send"),
      blocks: [{ type: "input", block_id: "why", label: plain("Reason"), element: input }],
    },
  });
  heard("opened", body.actions[0].value);
});

app.view("reason", async ({ ack, view }) => {
  const reason = view.state.values.why.why.value;
  if (reason.length < 4) {
    await ack({ response_action: "errors", errors: { why: "Longer, please." } });
    return;
  }
  await ack();
  heard("submitted", reason);
});

app.options("which", async ({ ack, options }) => {
  heard("asked", options.value);
  await ack({ options: [{ text: plain("Checkout"), value: "checkout" }] });
});

app.action("which", async ({ ack, action }) => {
  await ack();
  heard("chosen", action.selected_option.value);
});

app.shortcut("investigate", async ({ ack, shortcut }) => {
  await ack();
  heard("shortcut", shortcut.message.text);
});

app.message("hello", async ({ message, say }) => {
  heard("message", message.blocks.length);
  await say({ text: "hello to you", thread_ts: message.ts });
});

app.event("app_mention", async ({ event }) => heard("mention", event.channel));

app.event("app_home_opened", async ({ event, client }) => {
  await client.views.publish({
    user_id: event.user,
    view: { type: "home", blocks: [{ type: "section", text: plain("home") }] },
  });
  heard("home", event.tab);
});

await app.start();
heard("ready", null);
