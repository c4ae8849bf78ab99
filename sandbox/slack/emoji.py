"""Emoji short codes and their characters: the ones alarms and incidents are written with."""

from __future__ import annotations

_TABLE = """
+1 👍 | -1 👎 | 100 💯 | adhesive_bandage 🩹 | alarm_clock ⏰ | ambulance 🚑 | arrow_down ⬇️
arrow_forward ▶️ | arrow_left ⬅️ | arrow_lower_right ↘️ | arrow_right ➡️ | arrow_up ⬆️
arrow_upper_right ↗️ | arrows_counterclockwise 🔄 | balance_scale ⚖️
ballot_box_with_check ☑️ | bangbang ‼️ | bar_chart 📊 | battery 🔋 | bell 🔔
black_circle ⚫ | black_large_square ⬛ | black_square_for_stop ⏹️ | blue_heart 💙
bookmark 🔖 | boom 💥 | broken_heart 💔 | broom 🧹 | bug 🐛 | bulb 💡 | calendar 📅
chart_with_downwards_trend 📉 | chart_with_upwards_trend 📈 | checkered_flag 🏁 | clap 👏
clipboard 📋 | clock1 🕐 | clock12 🕛 | clock3 🕒 | cloud ☁️ | coffee ☕ | compass 🧭
computer 💻 | confetti_ball 🎊 | construction 🚧 | credit_card 💳 | crescent_moon 🌙
crossed_flags 🎌 | cry 😢 | crystal_ball 🔮 | dart 🎯 | date 📅 | desktop_computer 🖥️
detective 🕵️ | door 🚪 | double_vertical_bar ⏸️ | earth_africa 🌍 | electric_plug 🔌
email 📧 | exclamation ❗ | eyes 👀 | face_with_monocle 🧐 | fast_forward ⏩ | file_folder 📁
fire 🔥 | fire_engine 🚒 | firefighter 🧑‍🚒 | first_place_medal 🥇 | five 5️⃣
floppy_disk 💾 | four 4️⃣ | gear ⚙️ | ghost 👻 | globe_with_meridians 🌐 | green_heart 💚
grey_question ❔ | grimacing 😬 | grinning 😀 | hammer 🔨 | hammer_and_wrench 🛠️ | hand ✋
handshake 🤝 | heart ❤️ | heavy_check_mark ✔️ | heavy_minus_sign ➖ | heavy_plus_sign ➕
herb 🌿 | hole 🕳️ | hospital 🏥 | hourglass ⌛ | hourglass_flowing_sand ⏳ | house 🏠
inbox_tray 📥 | incoming_envelope 📨 | information_source ℹ️ | iphone 📱 | joy 😂 | key 🔑
label 🏷️ | large_blue_circle 🔵 | large_blue_square 🟦 | large_green_circle 🟢
large_green_square 🟩 | large_orange_circle 🟠 | large_orange_square 🟧
large_purple_circle 🟣 | large_red_square 🟥 | large_yellow_circle 🟡
large_yellow_square 🟨 | leftwards_arrow_with_hook ↩️ | link 🔗 | lock 🔒 | loudspeaker 📢
mag 🔍 | mag_right 🔎 | man_shrugging 🤷 | medal 🏅 | mega 📣 | memo 📝 | microscope 🔬
money_with_wings 💸 | moneybag 💰 | muscle 💪 | negative_squared_cross_mark ❎ | new 🆕
no_bell 🔕 | no_entry ⛔ | no_entry_sign 🚫 | nut_and_bolt 🔩 | octagonal_sign 🛑 | office 🏢
ok 🆗 | ok_hand 👌 | one 1️⃣ | open_file_folder 📂 | outbox_tray 📤 | package 📦
page_facing_up 📄 | pager 📟 | paperclip 📎 | pencil ✏️ | pencil2 ✏️ | pill 💊
point_down 👇 | point_left 👈 | point_right 👉 | point_up ☝️ | pray 🙏 | pushpin 📌
question ❓ | raised_hand ✋ | raised_hands 🙌 | recycle ♻️ | red_circle 🔴 | repeat 🔁
rewind ⏪ | robot_face 🤖 | rocket 🚀 | rotating_light 🚨 | round_pushpin 📍 | satellite 🛰️
satellite_antenna 📡 | scales ⚖️ | scream 😱 | see_no_evil 🙈 | seedling 🌱 | shield 🛡️
shopping_trolley 🛒 | shrug 🤷 | skull 💀 | sleeping 😴 | sleuth_or_spy 🕵️
slightly_smiling_face 🙂 | small_red_triangle 🔺 | small_red_triangle_down 🔻 | smile 😄
smiley 😃 | snail 🐌 | snowflake ❄️ | sob 😭 | sos 🆘 | sparkles ✨ | speech_balloon 💬
star ⭐ | stethoscope 🩺 | stopwatch ⏱️ | sunny ☀️ | sweat 😓 | sweat_smile 😅 | tada 🎉
technologist 🧑‍💻 | telephone_receiver 📞 | telescope 🔭 | test_tube 🧪 | thinking_face 🤔
thought_balloon 💭 | thread 🧵 | three 3️⃣ | thumbsdown 👎 | thumbsup 👍
thunder_cloud_and_rain ⛈️ | ticket 🎫 | timer_clock ⏲️ | toolbox 🧰 | traffic_light 🚥
triangular_flag_on_post 🚩 | trophy 🏆 | truck 🚚 | turtle 🐢 | two 2️⃣ | unlock 🔓 | up 🆙
vertical_traffic_light 🚦 | warning ⚠️ | wastebasket 🗑️ | watch ⌚ | wave 👋 | whale 🐳
white_check_mark ✅ | white_circle ⚪ | white_large_square ⬜ | world_map 🗺️ | wrench 🔧
writing_hand ✍️ | x ❌ | zap ⚡
"""

EMOJI: dict[str, str] = {
    name: character
    for row in _TABLE.strip().splitlines()
    for name, character in (entry.split() for entry in row.split(" | "))
}


def emoji(name: str) -> str:
    """The character of a short code; an unknown one stays as ``:name:``."""
    return EMOJI.get(name.strip(":"), f":{name.strip(':')}:")
