#!/usr/bin/env bash
# start-full-mixed4.sh [--resume]: the fourth stretch, at idle priority. THREADS=2 where the machine is free.
cd RUNS/train || exit 1
export PYTHONPATH=RUNS/train OMP_NUM_THREADS=${THREADS:-1} OMP_WAIT_POLICY=PASSIVE
if [ "$1" = --resume ]; then ARGS="--output RUNS/runs/full-mixed4 --resume latest"; else
ARGS="--system fasrgan --stage gan --data pairs:RUNS/pairs2/LR,RUNS/pairs2/HR --output RUNS/runs/full-mixed4
 --init RUNS/runs/full-mixed3-end --init-discriminator RUNS/runs/full-mixed3-end --discriminator width=24,crop=0,hidden=128,norm=none
 --losses perceptual=1,adversarial=0.1,attention=1,content=1,color=5,texture=60,grid=200,lpips=40,dists=25 --perceptual vgg16
 --perceptual-blocks 1=0.1,2=0.1,3=1,4=1,5=1 --r1 0.003 --batch 4 --crop 96 --lr 1e-4 --warmup 20 --precision bf16 --seed 3
 --ema 0.998 --steps 3000 --cosine-steps 3000 --window 256 --crops-per-picture 4 --detail 2
 --checkpoint-every 50 --keep 2 --validate-every 100000 --log-every 10 --tracker none"; fi
setsid nohup chrt -i 0 RUNS/venv/bin/python scripts/train.py $ARGS >> RUNS/full-mixed4.log 2>&1 &
echo $! > RUNS/train.pgid
