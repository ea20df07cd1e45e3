//! Lessons, scenarios, links and files.

use picket_sim::ScenarioError;

use super::Lang;
use crate::engine::{DATA_NODES_MAX, Refusal, SENTINELS_MAX, WRITERS_MAX};
use crate::guide::Trouble;

super::texts! {
    /// The chooser's name.
    choose: "Lesson or scenario", "课程或场景";
    /// Nothing chosen.
    free: "Free play", "自由探索";
    /// What came by a link or a file.
    own: "Your own", "自定义";
    /// A group of the chooser.
    lessons: "Lessons", "课程";
    /// A group of the chooser.
    scenarios: "Scenarios", "场景";
    /// For somebody new.
    invitation: "New to failover? Ten short lessons begin with an empty replica and end with a Sentinel that distrusts itself.", "第一次接触故障转移？十节短课，从一个空副本开始，到一个不信任自己的哨兵（Sentinel）结束。";
    /// Begins the first lesson.
    begin: "Begin with lesson 1", "从第 1 课开始";
    /// Steps' name.
    steps: "Steps", "步骤";
    /// A step that is reached.
    reached: "Reached", "已达到";
    /// What is learnt.
    learnt: "What you have learnt", "你学到了什么";
    /// What to do with it.
    practice: "At work", "实践建议";
    /// Numbers.
    figures: "In this run", "在这次运行中";
    /// The end.
    done: "The lesson is done.", "本课完成。";
    /// Begins the next lesson.
    next: "Next lesson", "下一课";
    /// Goes back to where the step began.
    step_again: "Take this step again", "重做这一步";
    /// Begins this lesson anew.
    again: "Start the lesson again", "重新开始本课";
    /// Goes on without the lesson.
    leave: "Leave the lesson", "退出课程";
    /// The right answer was given.
    right: "You were right.", "你答对了。";
    /// A wrong answer was given.
    wrong: "It turned out otherwise.", "答案不是这个。";
    /// Answers' name.
    answers: "What do you think?", "你怎么看？";
    /// An answer was given.
    answered: "Now see.", "现在来看看。";
    /// Something is being opened.
    opening: "Opening", "正在打开";
    /// Opens nothing.
    cancel: "Cancel", "取消";
    /// The share button and its dialog.
    share: "Share", "分享";
    /// What a link does.
    share_hint: "This link reopens this very moment: the same world, everything that was done to it, the same microsecond.", "这个链接会重新打开此刻：同样的世界、同样的操作，精确到微秒。";
    /// The link's name.
    link: "Link", "链接";
    /// Copies it.
    copy: "Copy the link", "复制链接";
    /// It was copied.
    copied: "The link is in the clipboard.", "链接已复制到剪贴板。";
    /// It could not be copied.
    not_copied: "The browser does not let the page copy: select the link and copy it.", "浏览器不允许网页复制：请选中链接手动复制。";
    /// Too much was done.
    too_long_to_link: "So much was done that a link would be too long: save it as a file.", "操作太多，链接会过长：请保存为文件。";
    /// Saves a file.
    save: "Save as a file", "保存为文件";
    /// Opens a file.
    load: "Open a file", "打开文件";
    /// How else to open one.
    load_hint: "Or drop one anywhere on the page. It is plain text: what there is, and what is done when.", "也可以把文件拖到页面任意位置。它是纯文本：有什么，以及何时做什么。";
}

impl Lang {
    /// Why something cannot be opened.
    #[must_use]
    pub fn trouble(self, trouble: &Trouble) -> String {
        match (trouble, self) {
            (Trouble::BadLink, Self::En) => {
                "This link cannot be read: it was cut off, or is none of this page's.".to_owned()
            }
            (Trouble::BadLink, Self::Zh) => "无法读取这个链接：可能被截断，或不属于本页面。".to_owned(),
            (Trouble::TooLong, Self::En) => "This is longer than any scenario.".to_owned(),
            (Trouble::TooLong, Self::Zh) => "内容比任何场景都长。".to_owned(),
            (Trouble::NoScenario(why), Self::En) => format!("This is no scenario: {why}"),
            (Trouble::NoScenario(ScenarioError { line, reason }), Self::Zh) => {
                format!("这不是场景文件，第 {line} 行：{}", self.misread(reason))
            }
            (Trouble::Refused(why), Self::En) => format!("This scenario cannot be shown: {why}"),
            (Trouble::Refused(why), Self::Zh) => {
                let why = match why {
                    Refusal::TooLarge => format!(
                        "最多 {DATA_NODES_MAX} 个数据节点、{SENTINELS_MAX} 个哨兵、{WRITERS_MAX} 个客户端"
                    ),
                    Refusal::Setup(why) => self.refused_file(why),
                    Refusal::Line(line, error) => format!("“{line}”：{}", self.refused(error)),
                };
                format!("无法展示这个场景：{why}")
            }
            (Trouble::Unreadable, Self::En) => "The browser cannot read this file.".to_owned(),
            (Trouble::Unreadable, Self::Zh) => "浏览器无法读取这个文件。".to_owned(),
        }
    }

    /// A lesson's place.
    #[must_use]
    pub fn lesson_number(self, number: usize, count: usize) -> String {
        match self {
            Self::En => format!("Lesson {number} of {count}"),
            Self::Zh => format!("第 {number} 课，共 {count} 课"),
        }
    }
}
