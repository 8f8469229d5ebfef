"""What a learner does with the exercises on the command line, apart from having them graded. Others' notebooks are none of its business."""
